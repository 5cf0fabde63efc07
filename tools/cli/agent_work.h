// Work that the agent does: watched until it has ended, or left to itself.
#pragma once

#include <functional>
#include <string>

#include "verb.h"

namespace varve::cli {

struct AgentWork {
  std::string name;                         // "backup mbq2…"
  std::string look_cli;                     // the command that tells later how it is
  std::function<Result<JsonValue>()> look;  // its record, with "status" and "progress"
};

// Waits until the work's status is a terminal one, and answers its record; shows progress meanwhile
// (as status lines when --json). An agent that does not answer is waited for for a while: accepted
// work survives its restart. Ctrl-C leaves the work alone: Cancelled, saying so.
Result<JsonValue> AwaitAgentWork(Invocation& invocation, const AgentWork& work);

// Whether the record says completed; else a failure that says why: Cancelled if it was aborted.
Status OutcomeOf(const AgentWork& work, const JsonValue& record);

// What actions that start work do with it: with --wait until its end, else only say that it was
// accepted. Prints the record; `done_text` makes the text for people of the completed one.
Result<ExitCode> FinishOrLeave(Invocation& invocation, const AgentWork& work,
                               const JsonValue& accepted,
                               const std::function<std::string(const JsonValue&)>& done_text);
// The same for a restore of an addon and for a job.
Result<ExitCode> FinishOrLeaveRestore(Invocation& invocation, const JsonValue& accepted);
Result<ExitCode> FinishOrLeaveJob(Invocation& invocation, const JsonValue& accepted,
                                  const std::string& done_text);

OptionSpec WaitOption();

}  // namespace varve::cli
