// How much a randomised or exhaustive suite tries: little enough for CI by default, as much as one
// likes with environment variables (tests/README.md).
#pragma once

#include <cstdint>
#include <cstdlib>

namespace varve {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// `sanitized` is the usual size in builds with sanitizers, which are several times slower.
inline uint64_t SampleSize(const char* variable, uint64_t usual, uint64_t sanitized) {
  const char* const text = std::getenv(variable);
  if (text != nullptr) return std::strtoull(text, nullptr, 10);
  return kSanitized ? sanitized : usual;
}

// VARVE_SEED: where seeds begin. A failure prints its seed; this and a size of 1 replay it.
inline uint64_t FirstSeed() {
  return SampleSize("VARVE_SEED", 1, 1);
}

}  // namespace varve
