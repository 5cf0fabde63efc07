// What a power cut does to bytes that were written but not yet synced: the loss model that the
// simulated disk and the simulated block device share (reliability.md, "the ways to hurt it").
// Everything here follows from the seed alone, so that a failure can be replayed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "base/bytes.h"

namespace varve {

enum class CrashMode {
  kLoseUnsynced,      // nothing that was not synced survives, neither data nor directory entries
  kDirectoriesFirst,  // every directory change survives, no data does: names of nothing or zeros
  kTorn,              // any 512-byte sector, any directory change may survive or not
  kReordered,         // whole writes survive or not, later ones without earlier ones
  kGarbled,           // as torn, and sectors that did not survive may hold anything
  kKeepAll,           // nothing is lost: kill -9 rather than a power cut
};
inline constexpr std::array<CrashMode, 6> kCrashModes = {
    CrashMode::kLoseUnsynced, CrashMode::kDirectoriesFirst, CrashMode::kTorn,
    CrashMode::kReordered,    CrashMode::kGarbled,          CrashMode::kKeepAll};

std::string CrashModeName(CrashMode mode);

inline constexpr size_t kSectorBytes = 512;

using CrashRandom = std::mt19937_64;
inline bool FlipCoin(CrashRandom& random) {
  return (random() >> 32 & 1) != 0;
}

// Each sector of [begin, end) of `content` keeps what was written, or goes back to what `before`
// has there (zeros beyond its end), or, if `garble`, becomes random bytes. Bytes outside of the
// range stay, also in its first and last sector.
void LoseSectors(MutableByteSpan content, ByteSpan before, size_t begin, size_t end, bool garble,
                 CrashRandom& random);

}  // namespace varve
