#include "base/fingerprint.h"

#define XXH_INLINE_ALL  // the library's compiled functions are plain SSE2; inlined ones use AVX2
#include <xxhash.h>

namespace varve {

Fingerprint ComputeFingerprint(const FingerprintSecret& secret, ByteSpan bytes) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret.data(), secret.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return Fingerprint::FromBytes(canonical.digest);
}

uint64_t ComputeChecksum(ByteSpan bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace varve
