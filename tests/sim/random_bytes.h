// Bytes that a seed determines and that do not compress.
#pragma once

#include <random>

#include "base/bytes.h"

namespace varve {

inline Bytes RandomBytes(uint64_t seed, size_t size_bytes) {
  std::mt19937_64 random(seed);
  Bytes bytes(RoundUp(size_bytes, 8));
  for (size_t i = 0; i < bytes.size(); i += 8)
    StoreLe<uint64_t>(bytes.data() + i, random());
  bytes.resize(size_bytes);
  return bytes;
}

}  // namespace varve
