// The record whose status goes with its job's: the backup of a backup job, the restore of a restore
// or a fork. Other kinds work on records that keep their status.
// Thread-safe: functions over the state.
#pragma once

#include <optional>
#include <string>

#include "agent/model/job.h"
#include "agent/state/state_store.h"

namespace varve::agent {

// "backup" or "restore"; nullptr for kinds without one.
const char* SubjectTypeOf(JobKind kind);

// Its status; nothing if the kind has no such subject or the record is gone.
Result<std::optional<WorkStatus>> SubjectStatus(StateStore& state, const Job& job);

// Makes it `status`, with the reason, by the ways that there are (in-progress goes to aborted by
// way of aborting). Nothing happens where no way leads there: what is terminal stays. True if it
// changed.
Result<bool> SettleSubject(StateStore& state, const Job& job, WorkStatus status,
                           const std::string& error, int64_t now_ns);

// The statuses to go through from one to the other, `to` included; empty if there is no way.
std::vector<WorkStatus> WayTo(WorkStatus from, WorkStatus to);

}  // namespace varve::agent
