#include "codec/fse_encoder.h"

#include <algorithm>
#include <cstdlib>

#include "base/status.h"

namespace varve {
namespace {

unsigned HighestBit(uint32_t value) {
  return 31u - static_cast<unsigned>(std::countl_zero(value));
}

// Gives each symbol its cells, in steps that visit every cell once, so that a symbol's are spread
// evenly; less than one is a cell from the end.
void DealCells(const FseEncoder::Shares& shares, unsigned symbol_max, uint32_t size,
               uint8_t* symbols) {
  uint32_t end = size;
  for (unsigned symbol = 0; symbol <= symbol_max; ++symbol) {
    if (shares[symbol] < 0) symbols[--end] = static_cast<uint8_t>(symbol);
  }
  const uint32_t step = (size >> 1) + (size >> 3) + 3;
  uint32_t cell = 0;
  for (unsigned symbol = 0; symbol <= symbol_max; ++symbol) {
    for (int32_t i = 0; i < shares[symbol]; ++i) {
      symbols[cell] = static_cast<uint8_t>(symbol);
      do {
        cell = (cell + step) & (size - 1);
      } while (cell >= end);
    }
  }
}

}  // namespace

unsigned FseEncoder::ChooseLog(size_t total, unsigned symbol_max, unsigned log_max) {
  const unsigned total_bits = HighestBit(static_cast<uint32_t>(total));
  // More cells than a quarter of the symbols describe chance; each symbol needs some of its own.
  const unsigned useful = total_bits < 2 ? 0 : total_bits - 2;
  const unsigned needed = HighestBit(symbol_max | 1) + 2;
  return std::clamp(std::min(useful, log_max), std::max(kLogMin, std::min(needed, total_bits + 1)),
                    log_max);
}

FseEncoder::Shares FseEncoder::Normalize(std::span<const uint32_t> counts, unsigned log) {
  Shares shares{};
  uint64_t total = 0;
  for (const uint32_t count : counts)
    total += count;
  const int32_t size = 1 << log;
  const uint64_t scale = (uint64_t{1} << (log + 32)) / total;
  int32_t left = size;
  size_t largest = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const uint64_t exact = counts[i] * scale;  // 32 bits of fraction
    const auto share = static_cast<int16_t>(std::max<uint64_t>(1, (exact + (1u << 31)) >> 32));
    shares[i] = share;
    left -= share;
    if (counts[i] > counts[largest]) largest = i;
  }
  // What rounding left over or took too much goes to or comes from where it weighs least.
  if (left > 0 || shares[largest] + left > shares[largest] / 2) {
    shares[largest] = static_cast<int16_t>(shares[largest] + left);
    return shares;
  }
  for (; left < 0; ++left) {
    --*std::max_element(shares.begin(), shares.end());
  }
  return shares;
}

size_t FseEncoder::WriteDescription(const Shares& shares, unsigned symbol_max, unsigned log,
                                    uint8_t* to) {
  uint8_t* next = to;
  uint32_t bits = log - kLogMin;
  unsigned count = 4;
  const auto flush = [&] {
    for (; count >= 8; count -= 8, bits >>= 8)
      *next++ = static_cast<uint8_t>(bits);
  };
  // What is still to be given away, plus one; a share never needs more bits than that has.
  int32_t left = (1 << log) + 1;
  int32_t threshold = 1 << log;
  unsigned share_bits = log + 1;
  for (unsigned symbol = 0; symbol <= symbol_max && left > 1;) {
    const int32_t share = shares[symbol++];
    left -= share;
    // Small values have a bit less, as long as the large ones leave some unused.
    const int32_t unused = 2 * threshold - 1 - (left + share);
    int32_t value = share + 1;
    if (value >= threshold) value += unused;
    bits |= static_cast<uint32_t>(value) << count;
    count += share_bits - (value < unused ? 1 : 0);
    flush();
    for (; left < threshold; threshold >>= 1)
      --share_bits;
    if (share != 0) continue;
    // After a share of 0: how many more of them follow, in pairs of bits; 3 means "and so on".
    unsigned zeros = 0;
    while (symbol <= symbol_max && shares[symbol] == 0) {
      ++zeros;
      ++symbol;
    }
    for (; zeros >= 3; zeros -= 3) {
      bits |= 3u << count;
      count += 2;
      flush();
    }
    bits |= zeros << count;
    count += 2;
    flush();
  }
  if (count != 0) *next++ = static_cast<uint8_t>(bits);
  return static_cast<size_t>(next - to);
}

void FseEncoder::Build(const Shares& shares, unsigned symbol_max, unsigned log) {
  VARVE_CHECK(log >= kLogMin && log <= kLogMax && symbol_max < kSymbolsMax);
  log_ = log;
  const uint32_t size = 1u << log;
  std::array<uint16_t, kSymbolsMax> next_state;
  uint16_t total = 0;
  for (unsigned symbol = 0; symbol <= symbol_max; ++symbol) {
    next_state[symbol] = total;
    const int32_t share = std::abs(shares[symbol]);
    Transition& transition = transitions_[symbol];
    if (share == 1) {
      transition = {(log << 16) - size, int32_t{total} - 1};
    } else if (share > 1) {
      const uint32_t bits = log - HighestBit(static_cast<uint32_t>(share) - 1);
      transition = {(bits << 16) - (static_cast<uint32_t>(share) << bits), int32_t{total} - share};
    }
    total = static_cast<uint16_t>(total + share);
  }
  VARVE_CHECK(total == size);
  std::array<uint8_t, size_t{1} << kLogMax> symbols;
  DealCells(shares, symbol_max, size, symbols.data());
  for (uint32_t i = 0; i < size; ++i)
    states_[next_state[symbols[i]]++] = static_cast<uint16_t>(size + i);
}

void FseEncoder::BuildRepeated(unsigned symbol) {
  log_ = 0;
  states_[0] = states_[1] = 1;
  transitions_[symbol] = {0, 0};
}

}  // namespace varve
