// Prefix codes for the literals of zstd's format (RFC 8878, 4.2). Thread-compatible; nothing is
// allocated.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace varve {

// A complete code for bytes, of at most kLengthMax bits each.
class HuffmanCode {
 public:
  static constexpr unsigned kLengthMax = 11;

  using Counts = std::array<uint32_t, 256>;

  // The best code for bytes with these counts, of which at least two are not 0.
  explicit HuffmanCode(const Counts& counts);

  // Bits of all symbols with these counts together.
  uint64_t BitsOf(const Counts& counts) const;
  // Writes the description for the decoder and returns its length; 0 if the format has none for
  // this code. Room for 129 bytes is needed.
  size_t WriteDescription(uint8_t* to) const;
  // Writes one stream and returns its length. There must be room for BitWriter::kSlackBytes more.
  size_t Encode(ByteSpan literals, uint8_t* to) const;

 private:
  void AssignCodes();

  unsigned symbol_max_ = 0;
  unsigned longest_ = 0;
  std::array<uint8_t, 256> lengths_{};
  // The code in the lower, its length in the upper half.
  std::array<uint32_t, 256> codes_;
};

}  // namespace varve
