#include "micro/sample_pages.h"

#include <algorithm>
#include <string_view>

namespace varve {
namespace {

constexpr std::string_view kWords[] = {
    "account", "amount",  "archive", "balance", "branch", "closed",   "created", "customer",
    "delta",   "deleted", "invoice", "journal", "ledger", "material", "open",    "order",
    "payment", "pending", "price",   "product", "return", "shipment", "status",  "warehouse"};
constexpr size_t kRowBytes = 128;
constexpr uint64_t kRun = 32;  // pages of one kind in a row, as tables lie in extents

// SplitMix64: fast, and the same everywhere.
class Numbers {
 public:
  explicit Numbers(uint64_t state) : state_(state) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

 private:
  uint64_t state_;
};

void FillNoise(Numbers& numbers, MutableByteSpan bytes) {
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint8_t word[8];
    StoreLe<uint64_t>(word, numbers.Next());
    std::copy_n(word, std::min<size_t>(8, bytes.size() - i), bytes.data() + i);
  }
}

void FillText(Numbers& numbers, MutableByteSpan bytes) {
  size_t used = 0;
  while (used < bytes.size()) {
    const uint64_t pick = numbers.Next();
    const std::string_view word = kWords[pick % std::size(kWords)];
    for (const char c : word) {
      if (used < bytes.size()) bytes[used++] = static_cast<uint8_t>(c);
    }
    const char separator[] = {' ', static_cast<char>('0' + (pick >> 32) % 10),
                              static_cast<char>('a' + (pick >> 40) % 26), ','};
    for (const char c : separator) {
      if (used < bytes.size()) bytes[used++] = static_cast<uint8_t>(c);
    }
  }
}

// A counter, a key of twelve random bytes, small numbers, and filler.
void FillRow(Numbers& numbers, uint64_t row, MutableByteSpan bytes) {
  std::fill(bytes.begin(), bytes.end(), uint8_t{' '});
  StoreLe<uint64_t>(bytes.data(), row);
  FillNoise(numbers, bytes.subspan(8, 12));
  for (size_t i = 0; i < 8; ++i) {
    StoreLe<uint32_t>(bytes.data() + 24 + 4 * i, static_cast<uint32_t>(numbers.Next() % 10'000));
  }
}

}  // namespace

void FillSamplePage(uint64_t seed, uint64_t number, MutableByteSpan page) {
  Numbers numbers(seed ^ number * 0x2545f4914f6cdd1d);
  const uint64_t kind = number / kRun % 3;
  std::fill(page.begin(), page.end(), uint8_t{0});
  StoreLe<uint64_t>(page.data(), number);
  const MutableByteSpan body = page.subspan(24);
  if (kind == 0) {
    FillText(numbers, body);
  } else if (kind == 1) {
    FillNoise(numbers, body.first(body.size() * 9 / 10));
  } else {
    for (size_t at = 0; at + kRowBytes <= body.size(); at += kRowBytes) {
      FillRow(numbers, number * 64 + at / kRowBytes, body.subspan(at, kRowBytes));
    }
  }
}

Bytes SamplePages(uint64_t seed, size_t size_bytes) {
  Bytes bytes(RoundUp(size_bytes, kSamplePageBytes));
  for (size_t at = 0; at < bytes.size(); at += kSamplePageBytes) {
    FillSamplePage(seed, at / kSamplePageBytes,
                   MutableByteSpan(bytes).subspan(at, kSamplePageBytes));
  }
  bytes.resize(size_bytes);
  return bytes;
}

}  // namespace varve
