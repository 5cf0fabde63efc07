// Finds what repeats within a chunk: the first half of our zstd encoder (page_encoder.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/sequence_encoder.h"

namespace varve {

// A chunk as sequences, and the bytes that no match covers; those behind the last match included.
struct ParsedChunk {
  // Copies of literals are rounded up to this.
  static constexpr size_t kSlackBytes = 32;

  std::span<const Sequence> sequences() const { return {all_sequences.data(), sequence_count}; }
  ByteSpan literals() const { return {all_literals.data(), literal_count}; }

  size_t sequence_count = 0;
  size_t literal_count = 0;
  std::array<Sequence, SequenceEncoder::kSequencesMax> all_sequences;
  std::array<uint8_t, 64 * kKiB + kSlackBytes> all_literals;
};

// Thread-compatible: one per worker. Nothing is allocated per chunk.
class MatchFinder {
 public:
  static constexpr size_t kRawMax = 64 * kKiB;  // positions have 16 bits
  static constexpr unsigned kTableLog = 14;

  // `raw` has at most kRawMax bytes.
  void Parse(ByteSpan raw, ParsedChunk* parsed);

 private:
  // Where the bytes with a hash were seen last. 32 KiB: it stays in the first-level cache.
  std::array<uint16_t, size_t{1} << kTableLog> table_;
};

}  // namespace varve
