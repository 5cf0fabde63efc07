// The states of backups and restores and the only ways between them (agent.md, "Status").
// Values; pure functions.
#pragma once

#include <optional>
#include <string_view>

namespace varve::agent {

enum class WorkStatus {
  kScheduled,
  kInProgress,
  kCompleted,
  kAborting,
  kAborted,
  kFailed,
  kNotSupported,
};

// As the API spells it: "in-progress".
std::string_view WorkStatusName(WorkStatus status);
std::optional<WorkStatus> WorkStatusOf(std::string_view name);
// Completed, aborted, failed, not-supported: never left again.
bool IsTerminal(WorkStatus status);
bool MayBecome(WorkStatus from, WorkStatus to);

}  // namespace varve::agent
