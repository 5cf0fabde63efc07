// Writes the bit streams of zstd's entropy coders: little-endian, and read from their end, so the
// last bit that is written is the first one that a decoder takes; a single 1 bit marks the end.
// One thread.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace varve {

class BitWriter {
 public:
  // Up to 7 bytes beyond what is written are overwritten: there must be room for them.
  static constexpr size_t kSlackBytes = 8;
  // Bits that fit between two calls of Flush.
  static constexpr unsigned kBitsMax = 56;

  explicit BitWriter(uint8_t* to) : begin_(to), next_(to) {}

  // Appends the low `count` bits of `value`; the others must be 0.
  void Add(uint64_t value, unsigned count) {
    bits_ |= value << count_;
    count_ += count;
  }
  // Moves whole bytes to memory. At most 7 bits stay behind.
  void Flush() {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(next_, &bits_, sizeof(bits_));
    next_ += count_ >> 3;
    bits_ >>= count_ & ~7u;
    count_ &= 7;
  }
  // Marks the end and returns how many bytes the stream has.
  size_t Finish() {
    Add(1, 1);
    Flush();
    return static_cast<size_t>(next_ - begin_) + (count_ != 0 ? 1 : 0);
  }

 private:
  uint8_t* const begin_;
  uint8_t* next_;
  uint64_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace varve
