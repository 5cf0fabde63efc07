#include "sim/power_loss.h"

#include <algorithm>

namespace varve {

std::string CrashModeName(CrashMode mode) {
  switch (mode) {
    case CrashMode::kLoseUnsynced:
      return "LoseUnsynced";
    case CrashMode::kDirectoriesFirst:
      return "DirectoriesFirst";
    case CrashMode::kTorn:
      return "Torn";
    case CrashMode::kReordered:
      return "Reordered";
    case CrashMode::kGarbled:
      return "Garbled";
    case CrashMode::kKeepAll:
      return "KeepAll";
  }
  return "Unknown";
}

void LoseSectors(MutableByteSpan content, ByteSpan before, size_t begin, size_t end, bool garble,
                 CrashRandom& random) {
  for (size_t at = begin; at < end;) {
    const size_t next = std::min<size_t>(RoundDown(at, kSectorBytes) + kSectorBytes, end);
    const uint64_t fate = random() % (garble ? 3 : 2);
    for (size_t i = at; fate != 0 && i < next; ++i) {
      const uint8_t old = i < before.size() ? before[i] : 0;
      content[i] = fate == 1 ? old : static_cast<uint8_t>(random());
    }
    at = next;
  }
}

}  // namespace varve
