// The operator's commands around an addon's volume, with their words filled in, their output in the
// log without secrets; and the mount of its file system, which has a default.
//
// Thread-compatible.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/capture/undo_fact.h"
#include "agent/config/agent_config.h"
#include "agent/model/addon.h"
#include "agent/process/command.h"

namespace varve::agent {

class AddonHooks {
 public:
  // The volume's path is absolute. `log` gets lines of hooks.
  AddonHooks(const Addon& addon, const HookSet& hooks, UndoLog log);

  // OK if there is no such hook. Io with the hook's name, exit code and last line.
  Status Start() const { return Run("start hook", hooks_.start); }
  Status Stop() const { return Run("stop hook", hooks_.stop); }
  Status Freeze() const { return Run("freeze hook", hooks_.freeze); }
  Status Thaw() const { return Run("thaw hook", hooks_.thaw); }
  // Asked again until it answers 0 or the hooks' timeout is over.
  Status Health(const Progress& progress) const;
  Status DrillStart() const { return Run("drill start hook", hooks_.drill_start); }
  // Its output, redacted, at most 4 KiB.
  Result<std::string> DrillCheck(const Progress& progress) const;
  Status DrillStop() const { return Run("drill stop hook", hooks_.drill_stop); }

  // Nothing to do without a mountpoint, or if it is so already. Without a hook: mount(8) by loop,
  // with nouuid where the volume holds an XFS, for a fork's has its source's UUID.
  Status Mount() const;
  Status Unmount() const;
  bool IsMounted() const;

  // Mounts and starts; not what is mounted or answers the health hook already.
  Status BringUp() const { return RunUndoSteps(BringUpSteps(), log_); }
  // The same for a start after a crash.
  std::vector<UndoStep> BringUpSteps() const;
  UndoStep ThawStep() const;
  UndoStep StartStep() const;
  UndoStep DrillStopStep() const;

  const Addon& addon() const { return addon_; }
  const HookSet& hooks() const { return hooks_; }

 private:
  Status Run(const std::string& what, const std::vector<std::string>& words) const;
  CommandRequest RequestOf(const std::vector<std::string>& words) const;
  UndoStep StepOf(UndoStep::Kind kind, const std::string& what,
                  const std::vector<std::string>& words) const;
  std::vector<std::string> MountWords() const;
  std::vector<std::string> UnmountWords() const;

  const Addon addon_;
  const HookSet hooks_;
  const UndoLog log_;
  std::vector<std::string> secrets_;
};

// Whether a file system is mounted at the very path.
bool IsMountpoint(const std::string& path);

}  // namespace varve::agent
