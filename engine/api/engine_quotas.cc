// The part of the engine that manages quotas.
#include <algorithm>

#include "api/engine.h"
#include "base/limits.h"
#include "gc/volume_need.h"
#include "repo/volume_quotas.h"

namespace varve {
namespace {

Status CheckVolumeName(const std::string& name) {
  if (!name.empty() && name.size() <= kNameBytesMax && name.find('\0') == std::string::npos) {
    return {};
  }
  return InvalidArgument("a volume's name has 1 to " + std::to_string(kNameBytesMax) + " bytes");
}

// Puts `quota` in its place by name.
Status Put(const VolumeQuota& quota, std::vector<VolumeQuota>* quotas) {
  const auto at = std::lower_bound(
      quotas->begin(), quotas->end(), quota.volume_name,
      [](const VolumeQuota& other, const std::string& name) { return other.volume_name < name; });
  if (at != quotas->end() && at->volume_name == quota.volume_name) {
    *at = quota;
    return {};
  }
  if (quotas->size() >= kQuotasMax) {
    return InvalidArgument(std::to_string(kQuotasMax) + " volumes have quotas already");
  }
  quotas->insert(at, quota);
  return {};
}

}  // namespace

Result<std::vector<QuotaState>> Engine::Quotas() {
  VARVE_RETURN_IF_ERROR(repository_->CheckUnlocked());
  VARVE_ASSIGN_OR_RETURN(const std::vector<VolumeQuota> quotas,
                         ReadQuotas(repository_->storage(), repository_->config().id));
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog catalog, repository_->Catalog());
  std::vector<QuotaState> states;
  for (const VolumeQuota& quota : quotas)
    states.push_back({quota, QuotaUse(quota, catalog.records)});
  return states;
}

Result<QuotaState> Engine::SetQuota(const std::string& volume_name, uint64_t bytes_max,
                                    Progress& progress) {
  VARVE_RETURN_IF_ERROR(repository_->CheckUnlocked());
  VARVE_RETURN_IF_ERROR(CheckVolumeName(volume_name));
  // No snapshot that is measured may be collected before its figure is durable.
  VARVE_ASSIGN_OR_RETURN(const auto collecting,
                         repository_->local().TryLock(kGcLock, LockLife::kLasting));
  if (collecting == nullptr) return Busy("a GC of " + repository_->name() + " is at work");
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog catalog, repository_->Catalog());
  if (!catalog.damaged.empty()) {
    return catalog.damaged[0].status.WithContext("what a volume needs cannot be measured");
  }
  VolumeQuota quota;
  quota.volume_name = volume_name;
  quota.bytes_max = bytes_max;
  std::vector<SnapshotRecord> snapshots;
  for (const SnapshotRecord& record : catalog.records) {
    quota.measured_sequence = std::max(quota.measured_sequence, record.sequence);
    const bool counts = record.volume_name == volume_name && !catalog.tombstones.count(record.id);
    if (counts) snapshots.push_back(record);
  }
  VARVE_ASSIGN_OR_RETURN(quota.measured_bytes, MeasureNeed(*repository_, snapshots, progress));
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_->LockCommit());
  VARVE_ASSIGN_OR_RETURN(std::vector<VolumeQuota> quotas,
                         ReadQuotas(repository_->storage(), repository_->config().id));
  VARVE_RETURN_IF_ERROR(Put(quota, &quotas));
  VARVE_RETURN_IF_ERROR(WriteQuotas(repository_->storage(), repository_->config().id,
                                    repository_->random(), repository_->clock().NowUnixNs(),
                                    std::move(quotas)));
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog now, repository_->Catalog());
  return QuotaState{quota, QuotaUse(quota, now.records)};
}

Status Engine::RemoveQuota(const std::string& volume_name) {
  VARVE_RETURN_IF_ERROR(repository_->CheckUnlocked());
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_->LockCommit());
  VARVE_ASSIGN_OR_RETURN(std::vector<VolumeQuota> quotas,
                         ReadQuotas(repository_->storage(), repository_->config().id));
  const size_t removed = std::erase_if(
      quotas, [&](const VolumeQuota& quota) { return quota.volume_name == volume_name; });
  if (removed == 0) return NotFound("volume " + volume_name + " has no quota");
  return WriteQuotas(repository_->storage(), repository_->config().id, repository_->random(),
                     repository_->clock().NowUnixNs(), std::move(quotas));
}

}  // namespace varve
