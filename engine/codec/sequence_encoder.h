// What a match finder says of a chunk, and the section of a zstd block that tells it to a decoder
// (RFC 8878, 3.1.1.3.2).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "codec/fse_encoder.h"

namespace varve {

// Copy `literal_length` literals, then `match_length` bytes from before.
struct Sequence {
  // 1, 2, 3: one of the three last distances, as the format counts them; else the distance + 3.
  uint32_t offset_value;
  uint16_t literal_length;
  uint16_t match_length;
};
static_assert(sizeof(Sequence) == 8);
// Offset values up to this stand for an earlier distance.
inline constexpr uint32_t kRepeatedOffsets = 3;

// Thread-compatible: one per worker. Nothing is allocated per call.
class SequenceEncoder {
 public:
  static constexpr size_t kMatchMin = 4;
  static constexpr size_t kSequencesMax = 64 * kKiB / kMatchMin;
  // What `count` sequences may take, with room for the writer's slack.
  static constexpr size_t BytesMax(size_t count) {
    return 16 + 3 * FseEncoder::kDescriptionBytesMax + 10 * count;
  }

  // Writes the section and returns its length. At most kSequencesMax sequences with distances below
  // 256 KiB.
  size_t Encode(std::span<const Sequence> sequences, uint8_t* to);

 private:
  struct Codes {
    uint8_t literals;
    uint8_t match;
    uint8_t offset;
  };
  void FindCodes(std::span<const Sequence> sequences);
  size_t WriteStream(std::span<const Sequence> sequences, uint8_t* to) const;

  std::array<Codes, kSequencesMax> codes_;
  // Of the codes of all sequences.
  std::array<uint32_t, FseEncoder::kSymbolsMax> literals_counts_;
  std::array<uint32_t, FseEncoder::kSymbolsMax> match_counts_;
  std::array<uint32_t, FseEncoder::kSymbolsMax> offset_counts_;
  FseEncoder literals_table_;
  FseEncoder match_table_;
  FseEncoder offset_table_;
};

}  // namespace varve
