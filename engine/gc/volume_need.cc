#include "gc/volume_need.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "gc/marker.h"
#include "gc/pack_usage.h"
#include "repo/condemned_packs.h"
#include "repo/volume_quotas.h"

namespace varve {
namespace {
// Beside what a GC has in memory.
constexpr size_t kMemoryBytes = 16 * kMiB;
}  // namespace

Result<uint64_t> MeasureNeed(Repository& repository, const std::vector<SnapshotRecord>& snapshots,
                             Progress& progress) {
  Storage& storage = repository.storage();
  const RepositoryConfig& config = repository.config();
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  LiveSet live(kMemoryBytes);
  Marker marker(storage, *index, config.id_key, live, progress);
  for (const SnapshotRecord& snapshot : snapshots)
    VARVE_RETURN_IF_ERROR(marker.Mark(snapshot));
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage));
  VARVE_ASSIGN_OR_RETURN(const std::vector<CondemnedRecord> groups,
                         ReadCondemned(storage, config.id));
  VARVE_ASSIGN_OR_RETURN(const RepositoryUsage usage,
                         JudgePacks(storage, config.id, packs, PacksOf(groups), live, progress));
  uint64_t bytes = 0;
  for (const PackUsage& pack : usage.packs)
    bytes += pack.live_bytes;
  return bytes;
}

Result<std::vector<VolumeQuota>> MeasureShrinkingVolumes(
    Repository& repository, const std::map<SnapshotId, SnapshotRecord>& records,
    const IdSet<SnapshotId>& staying, const IdSet<SnapshotId>& leaving, Progress& progress) {
  std::vector<VolumeQuota> measured;
  const Result<std::vector<VolumeQuota>> quotas =
      ReadQuotas(repository.storage(), repository.config().id);
  if (quotas.status().code() == Code::kCorruption) {
    repository.Notice(quotas.status().message());
    return measured;
  }
  VARVE_RETURN_IF_ERROR(quotas.status());
  for (const VolumeQuota& quota : *quotas) {
    VolumeQuota now = quota;
    bool shrinks = false;
    std::vector<SnapshotRecord> kept;
    for (const auto& [id, record] : records) {
      now.measured_sequence = std::max(now.measured_sequence, record.sequence);
      if (record.volume_name != quota.volume_name) continue;
      shrinks = shrinks || leaving.Contains(id);
      if (staying.Contains(id)) kept.push_back(record);
    }
    if (!shrinks) continue;
    VARVE_ASSIGN_OR_RETURN(now.measured_bytes, MeasureNeed(repository, kept, progress));
    measured.push_back(now);
  }
  return measured;
}

Status KeepMeasured(Repository& repository, const std::vector<VolumeQuota>& measured) {
  if (measured.empty()) return {};
  VARVE_ASSIGN_OR_RETURN(std::vector<VolumeQuota> quotas,
                         ReadQuotas(repository.storage(), repository.config().id));
  for (VolumeQuota& quota : quotas) {
    for (const VolumeQuota& now : measured) {
      if (now.volume_name != quota.volume_name) continue;
      quota.measured_bytes = now.measured_bytes;
      quota.measured_sequence = now.measured_sequence;
    }
  }
  return WriteQuotas(repository.storage(), repository.config().id, repository.random(),
                     repository.clock().NowUnixNs(), std::move(quotas));
}

}  // namespace varve
