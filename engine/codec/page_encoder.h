// A zstd encoder for chunks of databases: frames like any other for a decoder, made in about
// four fifths of the time that the library takes with its best parameters for them, at the same
// size. What it does differently is told in match_finder.cc and literals_encoder.cc; what it gains
// stands in bench/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/limits.h"

namespace varve {

// Thread-compatible: one per worker; nothing is allocated per chunk.
class PageEncoder {
 public:
  static constexpr size_t kRawMax = 64 * kKiB;

  PageEncoder();
  ~PageEncoder();
  PageEncoder(PageEncoder&&) noexcept;

  // Encodes 1 to kRawMax bytes into `to` and returns the frame's length; nothing if it does not
  // fit.
  std::optional<size_t> Encode(ByteSpan raw, MutableByteSpan to);

 private:
  size_t EncodeBlock(ByteSpan raw, uint8_t* to);

  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace varve
