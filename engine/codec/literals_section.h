// What a zstd frame says about its literals: how many bytes no match covers, and how far entropy
// coding shortened them. The encoder learns from it what the next chunk is worth (frame_codec.h).
#pragma once

#include <optional>

#include "base/bytes.h"

namespace varve {

struct LiteralsSection {
  size_t length = 0;         // of the literals
  size_t stored_length = 0;  // what they take in the frame; equal to `length` when stored plainly
  ByteSpan plain;            // the literals themselves when stored plainly, else empty
};

// Of the first block of `frame` (RFC 8878, 3.1.1). Nothing if that block is not a compressed one.
std::optional<LiteralsSection> FindLiterals(ByteSpan frame);

// Whether coding the bytes by how often each occurs would shorten them by some percent at least,
// judged from a sample.
bool LooksUneven(ByteSpan bytes);

}  // namespace varve
