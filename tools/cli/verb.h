// A verb of the command line, as a value. Each has a file of its own that defines one and nothing
// else outside its anonymous namespace; verb_list.inc lists them all.
#pragma once

#include <string>
#include <vector>

#include "agent_client.h"
#include "api/engine.h"
#include "arguments.h"
#include "base/progress.h"
#include "console.h"
#include "exit_code.h"

namespace varve::cli {

// How the repository is opened before the verb runs. kReadOrExecute: for writing if --execute is
// given. kByVerb: the verb does it, by its name. kAgent: none, the verb talks to the agent.
enum class Opening {
  kNone,
  kRead,
  kMaintain,
  kWrite,
  kReadOrExecute,
  kWithoutIndex,
  kByVerb,
  kAgent
};

// One run of a verb. All borrowed.
struct Invocation {
  Engine* engine;  // null for Opening::kNone, kByVerb and kAgent
  const Arguments& arguments;
  Console& console;
  // Cancelled by SIGINT and SIGTERM; shown on a terminal if the verb says so.
  Progress& progress;
  std::string repository;        // empty for Opening::kNone and kAgent
  AgentClient* agent = nullptr;  // for Opening::kAgent
};

struct Verb {
  std::string name;     // of an action with its verb's: "backup create"
  std::string purpose;  // one line
  Opening opening = Opening::kNone;
  bool shows_progress = false;
  // Does what it can on an encrypted repository without any key.
  bool works_without_key = false;
  std::vector<PositionalSpec> positionals;
  std::vector<OptionSpec> options;
  std::string details;  // further lines for `varve help VERB`, with their ends
  // A failure's Status gives the message and the exit code.
  Result<ExitCode> (*run)(Invocation&) = nullptr;
  // What a verb that is a noun can do; such a one has no run, positionals and options of its own.
  std::vector<const Verb*> actions;
};

// All verbs, in the order of the help.
const std::vector<const Verb*>& AllVerbs();
// Options that every verb on repositories takes, and those of every verb with the agent.
const std::vector<OptionSpec>& CommonOptions();
const std::vector<OptionSpec>& AgentOptions();
// The one of these two that `verb` takes.
const std::vector<OptionSpec>& OptionsBeside(const Verb& verb);

inline constexpr const char* kSelectorDetails =
    "SNAPSHOT is an id, a unique beginning of one, latest, or VOLUME@latest.\n";

}  // namespace varve::cli
