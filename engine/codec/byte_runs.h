// Compares and copies runs of bytes in the widest steps that the build's target has.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "base/bytes.h"

namespace varve {

// Bit i: whether a[i] == b[i]. 16 bytes are read of each.
inline uint32_t EqualBytes16(const uint8_t* a, const uint8_t* b) {
#if defined(__SSE2__)
  const __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)),
                                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
  return static_cast<uint32_t>(_mm_movemask_epi8(equal));
#else
  uint32_t bits = 0;
  for (unsigned i = 0; i < 16; ++i)
    bits |= static_cast<uint32_t>(a[i] == b[i]) << i;
  return bits;
#endif
}

inline uint32_t EqualBytes32(const uint8_t* a, const uint8_t* b) {
#if defined(__AVX2__)
  const __m256i equal = _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
  return static_cast<uint32_t>(_mm256_movemask_epi8(equal));
#else
  return EqualBytes16(a, b) | EqualBytes16(a + 16, b + 16) << 16;
#endif
}

// How many bytes are equal from `a` on, which ends at `end`, and from `b` on, which goes on at
// least as far.
inline size_t CountEqual(const uint8_t* a, const uint8_t* b, const uint8_t* end) {
  const uint8_t* const begin = a;
  for (; end - a >= 32; a += 32, b += 32) {
    const uint32_t equal = EqualBytes32(a, b);
    if (equal != UINT32_MAX) return static_cast<size_t>(a - begin) + std::countr_one(equal);
  }
  while (a < end && *a == *b) {
    ++a;
    ++b;
  }
  return static_cast<size_t>(a - begin);
}

// Copies `length` bytes, rounded up to 32 (and 32 for none), which both sides must have room for.
inline void CopyRoundedUp(const uint8_t* from, size_t length, uint8_t* to) {
  std::memcpy(to, from, 32);
  for (size_t done = 32; done < length; done += 32)
    std::memcpy(to + done, from + done, 32);
}

}  // namespace varve
