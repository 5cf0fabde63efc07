#include "repo/quota_meter.h"

#include <cerrno>

#include "repo/volume_quotas.h"

namespace varve {
namespace {

std::string Figures(const std::string& volume, uint64_t bytes_max, uint64_t bytes_used) {
  return "volume " + volume + ": its quota is " + std::to_string(bytes_max) + " bytes, " +
         std::to_string(bytes_used) + " are in use";
}

}  // namespace

Result<std::unique_ptr<QuotaMeter>> QuotaMeter::Begin(Repository& repository,
                                                      const std::string& volume_name) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<VolumeQuota> quotas,
                         ReadQuotas(repository.storage(), repository.config().id));
  for (const VolumeQuota& quota : quotas) {
    if (quota.volume_name != volume_name) continue;
    VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog catalog, repository.Catalog());
    const uint64_t use = QuotaUse(quota, catalog.records);
    if (use >= quota.bytes_max) {
      return Status(Code::kNoSpace,
                    Figures(volume_name, quota.bytes_max, use) +
                        "; forget snapshots of it and run gc, or raise the quota",
                    EDQUOT);
    }
    return std::unique_ptr<QuotaMeter>(new QuotaMeter(volume_name, quota.bytes_max, use));
  }
  return std::unique_ptr<QuotaMeter>();
}

Status QuotaMeter::Charge(uint64_t bytes) {
  const uint64_t charged = charged_.fetch_add(bytes) + bytes;
  if (charged <= bytes_max_ - bytes_used_) return {};
  return Status(Code::kNoSpace,
                Figures(volume_name_, bytes_max_, bytes_used_) + " by earlier snapshots, and " +
                    std::to_string(charged) + " or more would be by this one: it is not taken",
                EDQUOT);
}

}  // namespace varve
