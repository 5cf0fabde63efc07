// The runs of a schedule as a pure function of the rule and a stretch of time, and what of them is
// due: every slot is planned once, whatever the clock does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/schedule/schedule_rule.h"
#include "agent/schedule/time_zone.h"

namespace varve::agent {

// The longest stretch that is looked at in one call; more is InvalidArgument.
inline constexpr std::chrono::days kOccurrencesSpanMax{400};

// All runs with from <= run < to, ascending, in the rule's zone. The rule passed CheckRule.
//
// Daily and weekly slots are readings of the wall clock: one in a gap runs at the gap's end, one in
// a fold runs once, at the first of its two instants; two slots that fall together are one run.
// Hourly slots are minutes of every hour that passes, the repeated one of a fold included.
Result<std::vector<UtcMinute>> Occurrences(const ScheduleRule& rule, UtcMinute from, UtcMinute to);

struct DueSlots {
  std::optional<UtcMinute> run;  // the latest slot that came due
  uint64_t missed = 0;           // earlier ones that came due and will not run
  UtcMinute considered_until;    // to be kept durably with the run, and given to the next call
};

// What came due since the last call: the slots in [considered_until, now's minute]. A clock that
// went back finds nothing new until it has caught up; one that leapt forward, or an agent that was
// down, runs the latest slot and counts the others as missed. Slots older than
// kOccurrencesSpanMax are not counted.
Result<DueSlots> FindDueSlots(const ScheduleRule& rule, UtcMinute considered_until, UtcMinute now);

}  // namespace varve::agent
