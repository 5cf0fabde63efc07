// A schedule of an addon: the rule, what it makes, and how far it was considered. A value.
#pragma once

#include <cstdint>
#include <string>

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

}  // namespace varve::agent
