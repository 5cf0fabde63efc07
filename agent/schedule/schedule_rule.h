// When a schedule runs and how long its backups stay: the rule as the user wrote it, and whether it
// may be. Values; pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace varve::agent {

enum class Interval { kHourly, kDaily, kWeekly };

struct ScheduleRule {
  Interval interval = Interval::kDaily;
  std::vector<int> minutes;  // 0 to 59
  std::vector<int> hours;    // 0 to 23; daily and weekly
  std::vector<int> days;     // 0 = Monday to 6; weekly
  std::string zone = "UTC";  // IANA name
  int retention_days = 1;
};

// What a schedule may keep at once, before its first backup expires.
inline constexpr uint64_t kScheduledBackupsMax = 500;
// The longest retention of an interval, in days.
int RetentionDaysMax(Interval interval);

// InvalidArgument, naming the field and the value; the 500 rule is part of it. A rule that passed
// has its lists sorted and free of repetition only if the caller saw to it with Normalized().
Status CheckRule(const ScheduleRule& rule);
ScheduleRule Normalized(ScheduleRule rule);

// The largest number of runs in any half-open window as long as the retention: the most backups of
// this rule that exist before the first one expires (agent.md, "500 rule"). Zones do not count: the
// rule is judged by its own week. The rule's fields are in range.
//
// The pattern repeats every week, so a window of R days holds R / 7 whole weeks of runs and what
// the best window of the R % 7 remaining days holds; the best one begins at a run.
uint64_t RunsInRetention(const ScheduleRule& rule);

// The runs of one week of the rule, ascending, from Monday 00:00.
std::vector<std::chrono::minutes> WeekPattern(const ScheduleRule& rule);

}  // namespace varve::agent
