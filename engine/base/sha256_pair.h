// SHA-256 of two messages at a time with the CPU's SHA instructions. One message alone leaves half
// of the unit idle, because each step waits for the one before; a second one fills the gaps.
// varve_micro measures both ways.
//
// Only the compression function: padding and HMAC are the caller's (content_hasher.cc).
// Thread-safe: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace varve {

using Sha256State = std::array<uint32_t, 8>;

// FIPS 180-4, 5.3.3.
inline constexpr Sha256State kSha256Start = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
inline constexpr size_t kSha256BlockBytes = 64;

// Whether this CPU can; CompressPair may only be called then.
bool HasSha256Pair();

// Advances `a` by the blocks at `blocks_a` and `b` by those at `blocks_b`, `count` each.
void Sha256CompressPair(Sha256State* a, const uint8_t* blocks_a, Sha256State* b,
                        const uint8_t* blocks_b, size_t count);

}  // namespace varve
