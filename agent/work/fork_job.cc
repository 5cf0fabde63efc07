#include "agent/work/fork_job.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "agent/work/volume_writing.h"

namespace varve::agent {
namespace {

// Forks (by restore id) whose volume has its name but whose end is not yet known.
constexpr const char* kForkedFact = "fork-volume";

// The volume of the source, to share blocks with; empty if it is no file of this machine.
std::string VolumeOfSource(const WorkPlant& plant, const Addon& fork, StateStore& state) {
  if (!fork.source) return "";
  Result<Addon> source = GetAddon(state, fork.source->addon_id);
  if (source.ok()) source = WithVolumePath(plant.config, *std::move(source));
  return source.ok() ? source->volume.path : "";
}

Status MakeMountpoint(const std::string& path) {
  if (path.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? Status::FromErrno(error.value(), "mountpoint " + path) : Status();
}

}  // namespace

Status ForkJob::Run(JobContext& context) {
  StateStore& state = context.state();
  const std::string& id = context.job().subject_id;
  VARVE_RETURN_IF_ERROR(ChangeRestore(state, id, [&](RestoreRecord& restore) {
    restore.status = WorkStatus::kInProgress;
    restore.started_ns = context.clock().NowUnixNs();
  }));
  VARVE_ASSIGN_OR_RETURN(const RestoreRecord restore, GetRestore(state, id));
  VARVE_ASSIGN_OR_RETURN(Addon addon, GetAddon(state, restore.addon_id));
  VARVE_ASSIGN_OR_RETURN(addon, WithVolumePath(plant_.config, std::move(addon)));
  const AddonHooks hooks = HooksIn(plant_, addon, context);
  const Status status = MakeAndStart(restore, hooks, context);
  if (status.ok()) return {};
  if (status.code() == Code::kAlreadyExists) {  // what has the name is somebody else's
    const Status deleted = state.DeleteFact(kForkedFact, id);
    return deleted.ok() ? status : deleted;
  }
  VARVE_ASSIGN_OR_RETURN(const auto forked, state.ListFacts(kForkedFact));
  for (const auto& [name, value] : forked) {
    if (name != id) continue;
    const Status undone = TakeBack(hooks, context);
    if (!undone.ok()) context.Log("error", undone.message());
  }
  return status;
}

Status ForkJob::MakeAndStart(const RestoreRecord& restore, const AddonHooks& hooks,
                             JobContext& context) {
  StateStore& state = context.state();
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(state, restore.backup_id));
  const std::string& path = hooks.addon().volume.path;
  std::error_code ignored;
  // The fact says that what has the name is ours, so it is not put before a file of another's.
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    return AlreadyExists(path + " exists, a fork makes a new volume");
  }
  VARVE_RETURN_IF_ERROR(state.PutFact(kForkedFact, restore.id, "{}"));
  context.EnterPhase("write");
  VARVE_ASSIGN_OR_RETURN(
      const WrittenBytes bytes,
      MakeVolume(plant_, backup, VolumeOfSource(plant_, hooks.addon(), state), path, context));
  context.Log("info", std::to_string(bytes.written) + " of " + std::to_string(bytes.total) +
                          " bytes written to " + path);
  context.EnterPhase("mount");
  VARVE_RETURN_IF_ERROR(MakeMountpoint(hooks.addon().volume.mountpoint));
  VARVE_RETURN_IF_ERROR(hooks.Mount());
  context.EnterPhase("start");
  VARVE_RETURN_IF_ERROR(hooks.Start());
  context.EnterPhase("health");
  VARVE_RETURN_IF_ERROR(hooks.Health(context.progress()));
  VARVE_RETURN_IF_ERROR(CheckNotAborted(context));
  return state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(state.DeleteFact(kForkedFact, restore.id));
    return ChangeRestore(state, restore.id, [&](RestoreRecord& changed) {
      changed.bytes_total = bytes.total;
      changed.bytes_written = bytes.written;
      changed.status = WorkStatus::kCompleted;
      changed.finished_ns = context.clock().NowUnixNs();
    });
  });
}

// Stops and removes what was made.
Status ForkJob::TakeBack(const AddonHooks& hooks, JobContext& context) {
  context.EnterPhase("take back");
  const std::string& path = hooks.addon().volume.path;
  if (hooks.IsMounted() || hooks.addon().volume.mountpoint.empty()) {
    const Status stopped = hooks.Stop();
    if (!stopped.ok()) context.Log("warning", stopped.message());
  }
  VARVE_RETURN_IF_ERROR(hooks.Unmount());
  VARVE_RETURN_IF_ERROR(RemoveHalfMade(path, context.job().id));
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Status::FromErrno(errno, path);
  return context.state().DeleteFact(kForkedFact, context.job().subject_id);
}

Status ForkJob::Recover(JobContext& context) {
  StateStore& state = context.state();
  const std::string& id = context.job().subject_id;
  VARVE_ASSIGN_OR_RETURN(const RestoreRecord restore, GetRestore(state, id));
  if (IsTerminal(restore.status)) return {};
  VARVE_ASSIGN_OR_RETURN(Addon addon, GetAddon(state, restore.addon_id));
  VARVE_ASSIGN_OR_RETURN(addon, WithVolumePath(plant_.config, std::move(addon)));
  VARVE_ASSIGN_OR_RETURN(const auto forked, state.ListFacts(kForkedFact));
  for (const auto& [name, value] : forked) {
    if (name != id) continue;
    const Status undone = TakeBack(HooksIn(plant_, addon, context), context);
    if (!undone.ok()) context.Log("error", undone.message());
  }
  return ChangeRestore(state, id, [&](RestoreRecord& changed) {
    changed.status = WorkStatus::kFailed;
    changed.error = "the agent ended during the fork; its volume was taken away again";
    changed.finished_ns = context.clock().NowUnixNs();
  });
}

}  // namespace varve::agent
