// Bytes like those of a database's pages, from a seed: a third rows of text, a third rows of
// numbers and keys, a third columns that are compressed already. Together they compress about 2:1.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace varve {

inline constexpr size_t kSamplePageBytes = 8192;

// Fills one page; pages of the same seed and number are equal.
void FillSamplePage(uint64_t seed, uint64_t number, MutableByteSpan page);

// `size_bytes` of pages 0, 1, 2…
Bytes SamplePages(uint64_t seed, size_t size_bytes);

}  // namespace varve
