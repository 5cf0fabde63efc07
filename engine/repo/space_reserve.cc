#include "repo/space_reserve.h"

#include <algorithm>

#include "base/limits.h"

namespace varve {
namespace {

constexpr uint64_t kReserveMin = 1 * kMiB;
constexpr uint64_t kPackBytesMin = 16 * kMiB;
constexpr uint64_t kReserveShare = 1024;
// Less than this is "full".
constexpr uint64_t kFull = 512 * kKiB;

}  // namespace

void KeepReserve(Storage& storage, uint64_t pack_bytes) {
  if (pack_bytes < kPackBytesMin) return;
  const Result<uint64_t> present = storage.Size(kReservePath);
  const Result<uint64_t> free_bytes = storage.disk().FreeBytes();
  if (!free_bytes.ok()) return;
  const uint64_t wanted = std::max(kReserveMin, pack_bytes / kReserveShare);
  if (wanted > *free_bytes / 4) return;
  if (present.ok() && (wanted / 2 < *present || !storage.Remove(kReservePath).ok())) return;
  if (!storage.disk().Allocate(kReservePath, wanted).ok()) {
    static_cast<void>(storage.disk().Remove(kReservePath));
  }
}

bool GiveUpReserveIfFull(Storage& storage) {
  const Result<uint64_t> free_bytes = storage.disk().FreeBytes();
  if (!free_bytes.ok() || *free_bytes >= kFull) return false;
  return storage.Remove(kReservePath).ok();
}

}  // namespace varve
