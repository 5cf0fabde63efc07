#include "agent/model/backup_schedule.h"

#include <algorithm>

namespace varve::agent {
namespace {

constexpr int64_t kDayNs = 24ll * 3600 * 1'000'000'000;

}  // namespace

int64_t ExpiryOf(int64_t created_ns, const std::vector<BackupSchedule>& schedules) {
  int days = 0;
  for (const BackupSchedule& schedule : schedules) {
    days = std::max(days, schedule.rule.retention_days);
  }
  return created_ns + days * kDayNs;
}

std::optional<int64_t> ExpiryAfterEdit(const Backup& backup,
                                       const std::vector<BackupSchedule>& living) {
  if (!backup.expires_ns) return std::nullopt;
  std::vector<BackupSchedule> its_own;
  for (const BackupSchedule& schedule : living) {
    const auto& ids = backup.schedule_ids;
    if (std::find(ids.begin(), ids.end(), schedule.id) != ids.end()) its_own.push_back(schedule);
  }
  if (its_own.empty()) return std::nullopt;
  const int64_t expiry = ExpiryOf(backup.created_ns, its_own);
  return its_own.size() == backup.schedule_ids.size() ? expiry
                                                      : std::max(expiry, *backup.expires_ns);
}

}  // namespace varve::agent
