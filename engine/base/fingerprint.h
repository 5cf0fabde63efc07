// XXH3 in its two roles: the keyed 128-bit fingerprint that says "look closer" or "unchanged", and
// the 64-bit checksum of stored bytes. Neither is cryptographic and neither decides identity.
// Thread-safe: pure functions.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/ids.h"

namespace varve {

// The repository's random secret; XXH3 asks for at least 136 bytes of it (xxhash.h,
// XXH3_SECRET_SIZE_MIN), 192 is its default size.
using FingerprintSecret = std::array<uint8_t, 192>;

// XXH3_128bits_withSecret, in canonical (big-endian) byte order. All-zero chunks have the reserved
// zero fingerprint by convention; callers test for zero first.
Fingerprint ComputeFingerprint(const FingerprintSecret& secret, ByteSpan bytes);

// XXH3_64bits, unkeyed, so that stored bytes can be checked without any key.
uint64_t ComputeChecksum(ByteSpan bytes);

}  // namespace varve
