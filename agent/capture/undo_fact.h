// What must be done to bring back the world as it was, kept durably before it is changed: steps in
// the state, carried out by whoever comes to it, the job itself or the next start of the agent.
//
// Thread-compatible; facts of different names are independent.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/state/state_store.h"
#include "base/clock.h"

namespace varve::agent {

struct UndoStep {
  enum class Kind {
    kRemoveFile,          // path; gone already is done
    kThaw,                // path: a mountpoint
    kRemoveThinSnapshot,  // path: "group/name"
    kUnmount,             // path: a mountpoint; not mounted is done
    kRun,                 // argv: a hook
    kStart,               // argv: a hook that must succeed, unless `check` does then; left out if
                          // there is a mount at path already
  };
  Kind kind = Kind::kRemoveFile;
  std::string path;
  std::string what;  // "start hook"
  std::vector<std::string> argv, check;
  std::map<std::string, std::string> environment;
  std::chrono::seconds timeout{120};
};

using UndoLog = std::function<void(const std::string& level, const std::string& text)>;

class UndoFact {
 public:
  // `subject_id`: whose log tells of it.
  UndoFact(StateStore& state, std::string kind, std::string name, std::string subject_id);

  // From when it returns, a start after a crash carries these steps out in their order.
  Status Set(const std::vector<UndoStep>& steps);
  Status Clear();

  // Carries out all facts of the kind, with lines to their subjects' logs. A step that fails keeps
  // its fact and does not keep others from being done; the first failure.
  static Status RecoverAll(StateStore& state, const Clock& clock, const std::string& kind);

 private:
  StateStore& state_;
  const std::string kind_, name_, subject_id_;
};

// Each step once, in order, also after one that failed; the first failure.
Status RunUndoSteps(const std::vector<UndoStep>& steps, const UndoLog& log);

}  // namespace varve::agent
