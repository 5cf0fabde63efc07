// The literals section of a zstd block (RFC 8878, 3.1.1.3.1): plain, one byte repeated, or
// Huffman-coded in four streams.
#pragma once

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/huffman_code.h"

namespace varve {

// What EncodeLiterals may write to before it knows the section's length.
inline constexpr size_t kLiteralsSectionMax = 64 * kKiB * HuffmanCode::kLengthMax / 8 + 256;

// Writes the whole section and returns its length; `to` has room for kLiteralsSectionMax.
// `literals` are at most 64 KiB. Those that would shrink by less than a few percent stay plain.
size_t EncodeLiterals(ByteSpan literals, uint8_t* to);

}  // namespace varve
