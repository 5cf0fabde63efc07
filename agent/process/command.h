// Runs a program of the operator's without any shell, bounded in time and output.
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"

namespace varve::agent {

struct CommandRequest {
  std::vector<std::string> argv;  // argv[0] by PATH
  std::map<std::string, std::string>
      environment;  // beside PATH, LANG, HOME; nothing else is passed
  std::chrono::milliseconds timeout{120'000};
  size_t output_bytes_max = 64 << 10;  // more is read and dropped, and the line says how much
  const Progress* cancel = nullptr;    // ends the command when cancelled; null: never
};

struct CommandResult {
  int exit_code = 0;   // 128 + signal if one ended it
  std::string output;  // stdout and stderr, as they came
};

// The program in its own process group, standard input empty, no descriptor of ours.
// InvalidArgument for an empty argv, NotFound if there is no such program, Io "timed out after 120
// s" or Cancelled after SIGTERM and, 2 s later, SIGKILL to its group; nothing of it is left running
// then. An exit code other than 0 is a result, not a failure.
Result<CommandResult> RunCommand(const CommandRequest& request);
// The same, each line of output to `log`; an exit code other than 0 is Io naming it and the last
// line.
Status RunHook(const std::string& what, const CommandRequest& request,
               const std::function<void(const std::string& line)>& log);

}  // namespace varve::agent
