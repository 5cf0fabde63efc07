// A schedule of an addon: the rule, what it makes, and how far it was considered. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/backup.h"
#include "agent/schedule/occurrences.h"
#include "agent/schedule/schedule_rule.h"
#include "gc/retention_policy.h"

namespace varve::agent {

struct BackupSchedule {
  std::string id;
  std::string addon_id;
  BackupType type = BackupType::kSnapshot;
  ScheduleRule rule;
  // Beside the days; empty: days alone.
  RetentionPolicy generations;
  UtcMinute considered_until;  // every slot before it was run or counted (FindDueSlots)
  uint64_t missed = 0;         // slots that never ran
  uint64_t skipped = 0;        // slots whose predecessor was still running
  int64_t created_ns = 0;
};

// When a backup made at `created_ns` by all of these schedules expires: creation and the longest of
// their retentions.
int64_t ExpiryOf(int64_t created_ns, const std::vector<BackupSchedule>& schedules);

// The same for a backup that exists, after a retention was edited. `living` are the schedules of
// its addon; of the backup's own ones those that are gone left their share of the expiry frozen:
// then it only grows. Absent for a backup that does not expire or of no living schedule: nothing
// changes.
std::optional<int64_t> ExpiryAfterEdit(const Backup& backup,
                                       const std::vector<BackupSchedule>& living);

}  // namespace varve::agent
