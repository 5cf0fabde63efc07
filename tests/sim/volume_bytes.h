// Contents of volumes like those of databases, from a seed: pages that compress, pages that do not,
// pages of zeros, and pages that occur twice.
#pragma once

#include <algorithm>
#include <random>

#include "base/bytes.h"

namespace varve {

inline void FillPage(std::mt19937_64& random, MutableByteSpan page) {
  switch (random() % 5) {
    case 0:
      std::fill(page.begin(), page.end(), uint8_t{0});
      break;
    case 1:
      for (uint8_t& byte : page)
        byte = static_cast<uint8_t>(random());
      break;
    case 2:  // one of few: occurs again
      std::fill(page.begin(), page.end(), static_cast<uint8_t>(1 + random() % 3));
      break;
    default: {  // rows of a table
      const uint64_t key = random();
      for (size_t i = 0; i < page.size(); ++i) {
        page[i] = static_cast<uint8_t>(i % 16 < 12 ? i % 16 : key >> (8 * (i / 16 % 8)));
      }
    }
  }
}

inline Bytes VolumeBytes(uint64_t seed, size_t size_bytes) {
  std::mt19937_64 random(seed);
  Bytes bytes(size_bytes);
  for (size_t at = 0; at < size_bytes; at += 4096) {
    FillPage(random, MutableByteSpan(bytes).subspan(at, std::min<size_t>(4096, size_bytes - at)));
  }
  return bytes;
}

// The same volume a little later: `edits` writes of a few bytes or of a page.
inline Bytes Edited(uint64_t seed, Bytes bytes, size_t edits) {
  std::mt19937_64 random(seed);
  if (bytes.empty()) return bytes;
  for (size_t i = 0; i < edits; ++i) {
    const size_t at = random() % bytes.size();
    if (random() % 2 == 0) {
      const size_t end = std::min<size_t>(at + 1 + random() % 40, bytes.size());
      for (size_t k = at; k < end; ++k)
        bytes[k] = static_cast<uint8_t>(random());
    } else {
      const size_t begin = RoundDown(at, 4096);
      FillPage(random,
               MutableByteSpan(bytes).subspan(begin, std::min<size_t>(4096, bytes.size() - begin)));
    }
  }
  return bytes;
}

}  // namespace varve
