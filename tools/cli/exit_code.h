// How a run of varve ended, for scripts. The numbers are a promise: README.md lists them.
#pragma once

#include "base/status.h"

namespace varve::cli {

enum class ExitCode {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kWarnings = 3,  // done, but somebody should read what was said
  kNotFound = 4,
  kWrongState = 5,
  kDenied = 6,
  kUnreachable = 7,  // the agent
  kDamaged = 8,
  kNoSpace = 9,
  kNoRepository = 10,
  kBusy = 11,
  kWrongKey = 12,
  kAborted = 13,
  kInterrupted = 130,
};

ExitCode ExitCodeOf(const Status& failure);
// The same for a repository that cannot be opened: what is missing then is the repository.
ExitCode ExitCodeOfOpening(const Status& failure);
// The same for what the agent answered, or that it did not (AgentClient).
ExitCode ExitCodeOfAgent(const Status& failure);

}  // namespace varve::cli
