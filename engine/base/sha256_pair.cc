#include "base/sha256_pair.h"

#include "base/status.h"

#if defined(__SHA__) && defined(__SSE4_1__)

#include <cpuid.h>
#include <immintrin.h>

#include <utility>

namespace varve {
namespace {

// FIPS 180-4, 4.2.2.
alignas(16) constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it, and the last sixteen words of the message schedule.
struct Lane {
  __m128i abef;
  __m128i cdgh;
  __m128i words[4];
};

inline void Load(const Sha256State& state, Lane* lane) {
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data()));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data() + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  lane->abef = _mm_alignr_epi8(cdab, efgh, 8);
  lane->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

inline void Store(const Lane& lane, Sha256State* state) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state->data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state->data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Four rounds, and what they add to the message schedule.
template <size_t kStep>
inline void FourRounds(Lane& lane, const uint8_t* block) {
  __m128i& now = lane.words[kStep % 4];
  if constexpr (kStep < 4) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    now = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * kStep)),
                           big_endian);
  }
  const __m128i constants =
      _mm_load_si128(reinterpret_cast<const __m128i*>(kRoundConstants + 4 * kStep));
  __m128i sum = _mm_add_epi32(now, constants);
  lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, sum);
  if constexpr (kStep >= 3 && kStep < 15) {
    __m128i& next = lane.words[(kStep + 1) % 4];
    next = _mm_add_epi32(next, _mm_alignr_epi8(now, lane.words[(kStep + 3) % 4], 4));
    next = _mm_sha256msg2_epu32(next, now);
  }
  sum = _mm_shuffle_epi32(sum, 0x0e);
  lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, sum);
  if constexpr (kStep >= 1 && kStep < 13) {
    __m128i& before = lane.words[(kStep + 3) % 4];
    before = _mm_sha256msg1_epu32(before, now);
  }
}

template <size_t... kSteps>
inline void CompressBlocks(Lane& a, const uint8_t* block_a, Lane& b, const uint8_t* block_b,
                           std::index_sequence<kSteps...>) {
  ((FourRounds<kSteps>(a, block_a), FourRounds<kSteps>(b, block_b)), ...);
}

}  // namespace

bool HasSha256Pair() {
  static const bool has = [] {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_SSE4_1) == 0) return false;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
  }();
  return has;
}

void Sha256CompressPair(Sha256State* a, const uint8_t* blocks_a, Sha256State* b,
                        const uint8_t* blocks_b, size_t count) {
  Lane lane_a;
  Lane lane_b;
  Load(*a, &lane_a);
  Load(*b, &lane_b);
  for (size_t i = 0; i < count; ++i) {
    const __m128i abef_a = lane_a.abef;
    const __m128i cdgh_a = lane_a.cdgh;
    const __m128i abef_b = lane_b.abef;
    const __m128i cdgh_b = lane_b.cdgh;
    CompressBlocks(lane_a, blocks_a + i * kSha256BlockBytes, lane_b,
                   blocks_b + i * kSha256BlockBytes, std::make_index_sequence<16>());
    lane_a.abef = _mm_add_epi32(lane_a.abef, abef_a);
    lane_a.cdgh = _mm_add_epi32(lane_a.cdgh, cdgh_a);
    lane_b.abef = _mm_add_epi32(lane_b.abef, abef_b);
    lane_b.cdgh = _mm_add_epi32(lane_b.cdgh, cdgh_b);
  }
  Store(lane_a, a);
  Store(lane_b, b);
}

}  // namespace varve

#else  // another architecture

namespace varve {

bool HasSha256Pair() {
  return false;
}

void Sha256CompressPair(Sha256State*, const uint8_t*, Sha256State*, const uint8_t*, size_t) {
  VARVE_CHECK(false);
}

}  // namespace varve

#endif
