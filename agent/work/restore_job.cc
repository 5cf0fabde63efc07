#include "agent/work/restore_job.h"

#include "agent/capture/undo_fact.h"
#include "agent/capture/volume_capture.h"
#include "agent/work/job_parameters.h"
#include "agent/work/snapshot_work.h"
#include "agent/work/volume_writing.h"

namespace varve::agent {

// What a restore stands on, and how far it is.
struct RestoreJob::Steps {
  RestoreRecord restore;
  Backup backup;
  Addon addon;  // with its volume's absolute path
  AddonHooks hooks;
  UndoFact down;
  bool taken_down = false;
  bool writing = false;
};

namespace {

bool HasFact(const std::vector<std::pair<std::string, std::string>>& facts,
             const std::string& name) {
  for (const auto& [fact, value] : facts) {
    if (fact == name) return true;
  }
  return false;
}

// The record of the safety snapshot, named in the restore's, in progress.
Status InsertSafetyBackup(StateStore& state, RestoreRecord& restore, const Addon& addon,
                          int64_t now_ns) {
  Backup safety;
  safety.id = restore.safety_backup_id;
  safety.addon_id = addon.id;
  safety.name = "before restore";
  safety.purpose = "safety";
  safety.repository = addon.repository;
  safety.created_ns = safety.started_ns = now_ns;
  return state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(state.InsertBackup(safety));
    safety.status = WorkStatus::kInProgress;
    VARVE_RETURN_IF_ERROR(state.UpdateBackup(safety));
    return ChangeRestore(state, restore.id,
                         [&](RestoreRecord& changed) { changed.safety_backup_id = safety.id; });
  });
}

Status FailSafetyBackup(const std::string& id, const Status& why, JobContext& context) {
  return ChangeBackup(context.state(), id, [&](Backup& backup) {
    backup.status = WorkStatus::kFailed;
    backup.error = why.message();
    backup.finished_ns = context.clock().NowUnixNs();
  });
}

}  // namespace

Result<RestoreJob::Steps> RestoreJob::Prepare(JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(RestoreRecord restore,
                         GetRestore(context.state(), context.job().subject_id));
  VARVE_ASSIGN_OR_RETURN(Backup backup, GetBackup(context.state(), restore.backup_id));
  VARVE_ASSIGN_OR_RETURN(Addon addon, GetAddon(context.state(), restore.addon_id));
  VARVE_ASSIGN_OR_RETURN(addon, WithVolumePath(plant_.config, std::move(addon)));
  if (backup.status != WorkStatus::kCompleted || backup.snapshot_id.empty()) {
    return Busy("backup " + backup.id + " is not completed");
  }
  AddonHooks hooks = HooksIn(plant_, addon, context);
  UndoFact down(context.state(), kDownFact, restore.id, restore.id);
  return Steps{std::move(restore), std::move(backup), std::move(addon), std::move(hooks),
               std::move(down)};
}

Status RestoreJob::Run(JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const JobParameters parameters,
                         DecodeParameters(context.job().parameters));
  VARVE_RETURN_IF_ERROR(
      ChangeRestore(context.state(), context.job().subject_id, [&](RestoreRecord& restore) {
        restore.status = WorkStatus::kInProgress;
        restore.started_ns = context.clock().NowUnixNs();
      }));
  VARVE_ASSIGN_OR_RETURN(Steps steps, Prepare(context));
  if (parameters.safety_snapshot) VARVE_RETURN_IF_ERROR(TakeSafetySnapshot(steps, context));
  Status status = CheckNotAborted(context);
  if (status.ok()) status = Write(steps, context, context.progress());
  if (!status.ok()) return BringBack(steps, status, context);
  return {};
}

// While the database runs, by the addon's own capture. Where that cannot be, after the stop.
Status RestoreJob::TakeSafetySnapshot(Steps& steps, JobContext& context) {
  context.EnterPhase("safety snapshot");
  // An id of its own that a second run of the same restore finds again.
  steps.restore.safety_backup_id = context.job().id;
  VARVE_RETURN_IF_ERROR(
      InsertSafetyBackup(context.state(), steps.restore, steps.addon, context.clock().NowUnixNs()));
  SnapshotWork work{steps.addon, steps.restore.safety_backup_id, std::nullopt, std::nullopt};
  Status taken = TakeBackup(plant_, work, context);
  if (taken.code() == Code::kUnsupported) {
    context.Log("info",
                "the safety snapshot is taken when the database is stopped: " + taken.message());
    VARVE_RETURN_IF_ERROR(steps.down.Set(steps.hooks.BringUpSteps()));
    steps.taken_down = true;
    taken = TakeDown(steps.hooks, context);
    work.capture = CaptureKind::kPlain;
    if (taken.ok()) taken = TakeBackup(plant_, work, context);
  }
  if (taken.ok()) {
    context.Log("info", "safety snapshot: backup " + work.backup_id);
    return {};
  }
  const Status failed = FailSafetyBackup(work.backup_id, taken, context);
  if (!failed.ok()) context.Log("error", failed.message());
  return BringBack(steps, taken.WithContext("safety snapshot"), context);
}

Status RestoreJob::Write(Steps& steps, JobContext& context, Progress& progress) {
  StateStore& state = context.state();
  const std::string& id = steps.restore.id;
  if (!steps.taken_down) {
    VARVE_RETURN_IF_ERROR(steps.down.Set(steps.hooks.BringUpSteps()));
    steps.taken_down = true;
    VARVE_RETURN_IF_ERROR(TakeDown(steps.hooks, context));
  }
  context.EnterPhase("write");
  VARVE_RETURN_IF_ERROR(state.PutFact(kWritingFact, id, "{}"));
  steps.writing = true;
  VARVE_ASSIGN_OR_RETURN(
      const WrittenBytes bytes,
      WriteVolume(plant_, steps.backup, steps.addon.volume.path, context, progress));
  context.Log("info", std::to_string(bytes.written) + " of " + std::to_string(bytes.total) +
                          " bytes differed and were written");
  context.EnterPhase("mount");
  VARVE_RETURN_IF_ERROR(steps.hooks.Mount());
  context.EnterPhase("start");
  VARVE_RETURN_IF_ERROR(steps.hooks.Start());
  context.EnterPhase("health");
  VARVE_RETURN_IF_ERROR(steps.hooks.Health(progress));
  return state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(state.DeleteFact(kWritingFact, id));
    VARVE_RETURN_IF_ERROR(steps.down.Clear());
    return ChangeRestore(state, id, [&](RestoreRecord& restore) {
      restore.bytes_total = bytes.total;
      restore.bytes_written = bytes.written;
      restore.status = WorkStatus::kCompleted;
      restore.finished_ns = context.clock().NowUnixNs();
    });
  });
}

// After `why`: as it was before, as far as that can be. Answers what the restore failed of.
Status RestoreJob::BringBack(Steps& steps, const Status& why, JobContext& context) {
  if (steps.writing && !steps.restore.safety_backup_id.empty()) {
    context.Log("error",
                "the restore failed, the safety snapshot is brought back: " + why.message());
    const Status back = RollBack(steps, context);
    if (back.ok()) {
      context.Log("info",
                  "the old state is back: safety snapshot " + steps.restore.safety_backup_id);
      return why;
    }
    context.Log("error", "the old state could not be brought back, backup " +
                             steps.restore.safety_backup_id + " holds it: " + back.message());
    return Status(
        why.code(),
        why.message() + "; and the safety snapshot could not be brought back: " + back.message(),
        why.error_number());
  }
  if (steps.writing) {
    context.Log("error",
                "there is no safety snapshot: the volume is partly written and its "
                "database stays down until a restore completes");
    return why;
  }
  context.Log("error", "nothing was written: " + why.message());
  if (!steps.taken_down) return why;
  context.EnterPhase("bring up");
  const Status up = steps.hooks.BringUp();
  const Status cleared = up.ok() ? steps.down.Clear() : up;
  if (!cleared.ok()) context.Log("error", "the database is not up again: " + cleared.message());
  return why;
}

// An abort does not stop this.
Status RestoreJob::RollBack(Steps& steps, JobContext& context) {
  context.EnterPhase("bring back");
  VARVE_ASSIGN_OR_RETURN(const Backup safety,
                         GetBackup(context.state(), steps.restore.safety_backup_id));
  // Of a database that may not have come up at all.
  const Status stopped = steps.hooks.Stop();
  if (!stopped.ok()) context.Log("warning", stopped.message());
  VARVE_RETURN_IF_ERROR(steps.hooks.Unmount());
  Progress unstoppable;
  VARVE_RETURN_IF_ERROR(
      WriteVolume(plant_, safety, steps.addon.volume.path, context, unstoppable).status());
  // From here on the volume is whole: a next start only has to bring the database up.
  VARVE_RETURN_IF_ERROR(context.state().DeleteFact(kWritingFact, steps.restore.id));
  VARVE_RETURN_IF_ERROR(steps.hooks.BringUp());
  return steps.down.Clear();
}

Status RestoreJob::Recover(JobContext& context) {
  StateStore& state = context.state();
  const std::string& id = context.job().subject_id;
  const Status captures = VolumeCapture::RecoverAll(state, context.clock());
  if (!captures.ok()) context.Log("error", captures.message());
  VARVE_ASSIGN_OR_RETURN(const RestoreRecord restore, GetRestore(state, id));
  if (IsTerminal(restore.status)) return {};
  if (!restore.safety_backup_id.empty()) {
    const Status settled = SettleBackup(plant_, restore.safety_backup_id, context);
    if (!settled.ok()) context.Log("error", settled.message());
  }
  const Status why = RecoverVolume(restore, context);
  if (why.ok()) return {};
  return ChangeRestore(state, id, [&](RestoreRecord& changed) {
    changed.status = WorkStatus::kFailed;
    changed.error = why.message();
    changed.finished_ns = context.clock().NowUnixNs();
  });
}

// OK if the restore is completed after all; else what it failed of.
Status RestoreJob::RecoverVolume(const RestoreRecord& restore, JobContext& context) {
  const Status why(Code::kIo, "the agent ended during the restore");
  VARVE_ASSIGN_OR_RETURN(const auto writing, context.state().ListFacts(kWritingFact));
  if (!HasFact(writing, restore.id)) {
    const Status up = UndoFact::RecoverAll(context.state(), context.clock(), kDownFact);
    if (!up.ok()) context.Log("error", "the database is not up again: " + up.message());
    return why;
  }
  VARVE_ASSIGN_OR_RETURN(Steps steps, Prepare(context));
  steps.taken_down = steps.writing = true;
  if (!restore.safety_backup_id.empty()) return BringBack(steps, why, context);
  context.Log("info", "there is no safety snapshot: the restore is finished instead");
  const Status stopped = steps.hooks.Stop();
  if (!stopped.ok()) context.Log("warning", stopped.message());
  VARVE_RETURN_IF_ERROR(steps.hooks.Unmount());
  Progress unstoppable;
  return Write(steps, context, unstoppable);
}

}  // namespace varve::agent
