#include "codec/huffman_code.h"

#include <algorithm>
#include <bit>

#include "base/status.h"
#include "codec/bit_writer.h"
#include "codec/fse_encoder.h"

namespace varve {
namespace {

constexpr unsigned kLengthMax = HuffmanCode::kLengthMax;

struct Symbol {
  uint32_t count;
  uint8_t byte;
};
// And one that is never taken.
using Symbols = std::array<Symbol, 257>;

constexpr uint32_t kNever = UINT32_MAX;

// The symbols that occur, rarest first: two passes of a radix sort over 16 bits of the count.
size_t SortByCount(const HuffmanCode::Counts& counts, Symbols* sorted) {
  Symbols found;
  size_t size = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    found[size] = {counts[byte], static_cast<uint8_t>(byte)};
    size += counts[byte] != 0 ? 1 : 0;
  }
  std::array<std::array<uint16_t, 257>, 2> places{};
  const auto digit = [](const Symbol& symbol, unsigned pass) {
    return std::min<uint32_t>(symbol.count, UINT16_MAX) >> (8 * pass) & 255;
  };
  for (size_t i = 0; i < size; ++i) {
    ++places[0][digit(found[i], 0) + 1];
    ++places[1][digit(found[i], 1) + 1];
  }
  for (size_t i = 1; i < 256; ++i) {
    places[0][i] = static_cast<uint16_t>(places[0][i] + places[0][i - 1]);
    places[1][i] = static_cast<uint16_t>(places[1][i] + places[1][i - 1]);
  }
  Symbols half;
  for (size_t i = 0; i < size; ++i)
    half[places[0][digit(found[i], 0)]++] = found[i];
  for (size_t i = 0; i < size; ++i)
    (*sorted)[places[1][digit(half[i], 1)]++] = half[i];
  (*sorted)[size].count = kNever;
  return size;
}

// Huffman's algorithm with two queues: leaves in order of their counts, and inner nodes in the
// order in which they come to be, which is that of their counts, too. Which queue has the smaller
// one is a matter of chance, so there is no branch on it. Depths, rarest leaf first.
void FindDepths(const Symbols& leaves, size_t size, std::array<uint8_t, 256>* depths) {
  std::array<uint32_t, 256> inner;
  std::array<uint16_t, 512> parents;  // of leaves, then from 256 on of inner nodes
  size_t leaf = 0;
  size_t node = 0;
  for (size_t made = 0; made + 1 < size; ++made) {
    inner[made] = kNever;
    uint32_t sum = 0;
    for (int child = 0; child < 2; ++child) {
      const uint32_t leaf_count = leaves[leaf].count;
      const uint32_t node_count = inner[node];
      const size_t take_leaf = leaf_count <= node_count ? 1 : 0;
      sum += std::min(leaf_count, node_count);
      parents[take_leaf != 0 ? leaf : 256 + node] = static_cast<uint16_t>(made);
      leaf += take_leaf;
      node += take_leaf ^ 1;
    }
    inner[made] = sum;
  }
  std::array<uint8_t, 256> node_depths;
  node_depths[size - 2] = 0;
  for (size_t i = size - 2; i-- > 0;)
    node_depths[i] = static_cast<uint8_t>(node_depths[parents[256 + i]] + 1);
  for (size_t i = 0; i < size; ++i)
    (*depths)[i] = static_cast<uint8_t>(node_depths[parents[i]] + 1);
}

// Cuts depths to kLengthMax and makes the code complete again: what the cut ones take too much is
// saved on the rarest of the others, what that saves too much goes to the most frequent ones.
void LimitDepths(size_t size, std::array<uint8_t, 256>* depths) {
  int32_t over = -(1 << kLengthMax);
  for (size_t i = 0; i < size; ++i) {
    uint8_t& depth = (*depths)[i];
    depth = std::min<uint8_t>(depth, kLengthMax);
    over += 1 << (kLengthMax - depth);
  }
  for (size_t i = 0; over > 0; i = i + 1 < size ? i + 1 : 0) {
    uint8_t& depth = (*depths)[i];
    if (depth == kLengthMax) continue;
    ++depth;
    over -= 1 << (kLengthMax - depth);
  }
  for (size_t i = size; over < 0 && i-- > 0;) {
    uint8_t& depth = (*depths)[i];
    while (depth > 1 && over + (1 << (kLengthMax - depth)) <= 0) {
      over += 1 << (kLengthMax - depth);
      --depth;
    }
  }
  VARVE_CHECK(over == 0);
}

}  // namespace

HuffmanCode::HuffmanCode(const Counts& counts) {
  Symbols symbols;
  const size_t size = SortByCount(counts, &symbols);
  VARVE_CHECK(size >= 2);
  std::array<uint8_t, 256> depths;
  FindDepths(symbols, size, &depths);
  if (depths[0] > kLengthMax) LimitDepths(size, &depths);
  for (size_t i = 0; i < size; ++i) {
    lengths_[symbols[i].byte] = depths[i];
    longest_ = std::max<unsigned>(longest_, depths[i]);
    symbol_max_ = std::max<unsigned>(symbol_max_, symbols[i].byte);
  }
  AssignCodes();
}

// Longest codes first, and those of one length in the order of their symbols.
void HuffmanCode::AssignCodes() {
  std::array<uint32_t, kLengthMax + 2> next{};
  for (const uint8_t length : lengths_)
    ++next[length];
  uint32_t code = 0;
  for (unsigned length = longest_; length > 0; --length) {
    const uint32_t count = next[length];
    next[length] = code;
    code = (code + count) >> 1;
  }
  for (size_t i = 0; i < 256; ++i)
    codes_[i] = next[lengths_[i]]++ | uint32_t{lengths_[i]} << 16;
}

uint64_t HuffmanCode::BitsOf(const Counts& counts) const {
  uint64_t bits = 0;
  for (size_t i = 0; i < 256; ++i)
    bits += uint64_t{counts[i]} * lengths_[i];
  return bits;
}

// Weights instead of lengths, and not the last one's: it follows from the others. Coded with FSE,
// two states taking turns, or four bits each.
size_t HuffmanCode::WriteDescription(uint8_t* to) const {
  std::array<uint8_t, 256> weights;
  std::array<uint32_t, kLengthMax + 2> counts{};
  const size_t size = symbol_max_;
  for (size_t i = 0; i < size; ++i) {
    weights[i] = static_cast<uint8_t>(lengths_[i] == 0 ? 0 : longest_ + 1 - lengths_[i]);
    ++counts[weights[i]];
  }
  const bool varies =
      std::count(counts.begin(), counts.end(), 0u) + 1 < static_cast<ptrdiff_t>(counts.size());
  if (size > 2 && varies) {
    unsigned weight_max = kLengthMax + 1;
    while (counts[weight_max] == 0)
      --weight_max;
    const unsigned log = FseEncoder::ChooseLog(size, weight_max, 6);
    const FseEncoder::Shares shares =
        FseEncoder::Normalize(std::span(counts).first(weight_max + 1), log);
    size_t length = 1 + FseEncoder::WriteDescription(shares, weight_max, log, to + 1);
    FseEncoder table;
    table.Build(shares, weight_max, log);
    // Symbols at even places belong to the first state.
    size_t i = size;
    FseEncoder::State odd(table, weights[i % 2 == 0 ? i - 1 : i - 2]);
    FseEncoder::State even(table, weights[i % 2 == 0 ? i - 2 : i - 1]);
    BitWriter writer(to + length);
    for (i -= 2; i-- > 0;) {
      (i % 2 == 0 ? even : odd).Encode(weights[i], &writer);
      writer.Flush();
    }
    odd.Finish(&writer);
    even.Finish(&writer);
    length += writer.Finish();
    if (length <= 128 && length < 1 + (size + 1) / 2) {
      to[0] = static_cast<uint8_t>(length - 1);
      return length;
    }
  }
  if (size > 128) return 0;
  to[0] = static_cast<uint8_t>(127 + size);
  for (size_t i = 0; i < size; i += 2) {
    const uint8_t second = i + 1 < size ? weights[i + 1] : uint8_t{0};
    to[1 + i / 2] = static_cast<uint8_t>(weights[i] << 4 | second);
  }
  return 1 + (size + 1) / 2;
}

size_t HuffmanCode::Encode(ByteSpan literals, uint8_t* to) const {
  BitWriter writer(to);
  const auto add = [&](size_t i) {
    const uint32_t code = codes_[literals[i]];
    writer.Add(code & UINT16_MAX, code >> 16);
  };
  size_t left = literals.size();
  constexpr size_t kStep = BitWriter::kBitsMax / kLengthMax;
  static_assert(kStep == 5);
  for (; left % kStep != 0; --left)
    add(left - 1);
  writer.Flush();
  for (; left > 0; left -= kStep) {
    add(left - 1);
    add(left - 2);
    add(left - 3);
    add(left - 4);
    add(left - 5);
    writer.Flush();
  }
  return writer.Finish();
}

}  // namespace varve
