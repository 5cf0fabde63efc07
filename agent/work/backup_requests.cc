// Requests about backups: making, proving, keeping, deleting, aborting; care of repositories.
#include "agent/model/identifier.h"
#include "agent/work/request_steps.h"
#include "agent/work/work_requests.h"

namespace varve::agent {
namespace {

constexpr size_t kReasonBytesMax = 1024;

Status CheckLevel(const std::optional<int>& level) {
  if (!level || (*level >= kCompressionLevelMin && *level <= kCompressionLevelMax)) return {};
  return InvalidArgument("level " + std::to_string(*level) + " is not between " +
                         std::to_string(kCompressionLevelMin) + " and " +
                         std::to_string(kCompressionLevelMax));
}

// The open job that makes or writes the subject.
Result<Job> JobAt(StateStore& state, const std::string& subject_id, const std::string& what) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<Job> jobs, state.ListOpenJobs());
  for (const Job& job : jobs) {
    if (job.subject_id == subject_id && job.kind != JobKind::kVerify &&
        job.kind != JobKind::kDelete) {
      return job;
    }
  }
  return Busy(what + " has no job of its own that could be aborted");
}

}  // namespace

Result<Backup> WorkRequests::StartBackup(const std::string& addon_id,
                                         const BackupRequest& request) {
  VARVE_ASSIGN_OR_RETURN(const Addon addon, GetAddon(plant_.state, addon_id));
  VARVE_RETURN_IF_ERROR(CheckLevel(request.level));
  Backup backup;
  backup.created_ns = plant_.clock.NowUnixNs();
  backup.name = request.name.empty() ? NameWithDate("backup", backup.created_ns) : request.name;
  VARVE_RETURN_IF_ERROR(CheckBackupName(backup.name));
  backup.id = NewRecordId(random_);
  backup.addon_id = addon.id;
  backup.type = request.type;
  backup.schedule_ids = request.schedule_ids;
  backup.purpose = request.purpose;
  backup.repository = addon.repository;
  backup.expires_ns = request.expires_ns;
  if (backup.type == BackupType::kDump) {
    backup.status = WorkStatus::kNotSupported;
    backup.error =
        "this varve makes no dumps yet; a snapshot (backupType snapshot) holds all of "
        "the volume";
    backup.finished_ns = backup.created_ns;
    VARVE_RETURN_IF_ERROR(plant_.state.InsertBackup(backup));
    runner_.events().Publish(
        {0, "backup", backup.id, addon.id, std::string(WorkStatusName(backup.status))});
    return backup;
  }
  VARVE_RETURN_IF_ERROR(WithVolumePath(plant_.config, addon).status());
  JobParameters parameters;
  parameters.level = request.level;
  const Job job = MakeJob(plant_, random_,
                          {JobKind::kBackup, backup.id, addon.id, addon.repository, parameters});
  VARVE_RETURN_IF_ERROR(
      AcceptJob(plant_, runner_, job, [&] { return plant_.state.InsertBackup(backup); }));
  return backup;
}

Result<Job> WorkRequests::StartVerify(const std::string& backup_id, const std::string& level) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  if (level != "checksum" && level != "mount" && level != "restore") {
    return InvalidArgument("level '" + level + "' is none of checksum, mount, restore");
  }
  VARVE_RETURN_IF_ERROR(CheckRestorable(backup));
  if (level == "restore") {
    VARVE_ASSIGN_OR_RETURN(const Addon addon, GetAddon(plant_.state, backup.addon_id));
    if (HooksOf(plant_.config, addon).drill_check.empty()) {
      return Unsupported("addon " + addon.id + " has no drill hooks in the configuration");
    }
  }
  JobParameters parameters;
  parameters.verify_level = level;
  // Of no addon: a proof does not keep the addon's backups waiting.
  const Job job = MakeJob(plant_, random_, {JobKind::kVerify, backup.id, "", "", parameters});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [] { return Status(); }));
  return job;
}

Result<Job> WorkRequests::StartGc(const std::string& repository) {
  VARVE_RETURN_IF_ERROR(GetRepository(plant_.config, repository).status());
  const Job job = MakeJob(plant_, random_, {JobKind::kGc, repository, "", repository, {}});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [] { return Status(); }));
  return job;
}

Result<Job> WorkRequests::StartScrub(const std::string& repository) {
  VARVE_RETURN_IF_ERROR(GetRepository(plant_.config, repository).status());
  const Job job = MakeJob(plant_, random_, {JobKind::kScrub, repository, "", "", {}});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [] { return Status(); }));
  return job;
}

Status WorkRequests::AbortBackup(const std::string& backup_id) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  const std::string what = "backup " + backup.id;
  if (IsTerminal(backup.status)) {
    return Busy(what + " is " + std::string(WorkStatusName(backup.status)) + " already");
  }
  VARVE_ASSIGN_OR_RETURN(const Job job, JobAt(plant_.state, backup.id, what));
  return runner_.Abort(job.id);
}

Status WorkRequests::AbortRestore(const std::string& restore_id) {
  VARVE_ASSIGN_OR_RETURN(const RestoreRecord restore, GetRestore(plant_.state, restore_id));
  const std::string what = "restore " + restore.id;
  if (IsTerminal(restore.status)) {
    return Busy(what + " is " + std::string(WorkStatusName(restore.status)) + " already");
  }
  VARVE_ASSIGN_OR_RETURN(const Job job, JobAt(plant_.state, restore.id, what));
  return runner_.Abort(job.id);
}

Status WorkRequests::Retain(const std::string& backup_id, bool retained) {
  return plant_.state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Backup backup, GetBackup(plant_.state, backup_id));
    if (retained && backup.schedule_ids.empty()) {
      return Busy("backup " + backup.id + " was not made by a schedule: it never expires");
    }
    backup.retained = retained;
    return plant_.state.UpdateBackup(backup);
  });
}

Status WorkRequests::PutHold(const std::string& backup_id, const std::string& name,
                             const std::string& reason) {
  VARVE_RETURN_IF_ERROR(CheckBackupName(name));
  if (reason.empty() || reason.size() > kReasonBytesMax) {
    return InvalidArgument("reason has " + std::to_string(reason.size()) + " bytes, not 1 to " +
                           std::to_string(kReasonBytesMax));
  }
  const int64_t now_ns = plant_.clock.NowUnixNs();
  return plant_.state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Backup backup, GetBackup(plant_.state, backup_id));
    VARVE_RETURN_IF_ERROR(CheckRestorable(backup));
    backup.hold = Hold{name, reason, now_ns};
    return plant_.state.UpdateBackup(backup);
  });
}

Status WorkRequests::RemoveHold(const std::string& backup_id) {
  return plant_.state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Backup backup, GetBackup(plant_.state, backup_id));
    if (!backup.hold) return NotFound("backup " + backup.id + " is not held");
    backup.hold.reset();
    return plant_.state.UpdateBackup(backup);
  });
}

namespace {

Result<std::string> RefusalOf(StateStore& state, const Backup& backup) {
  if (backup.hold) return "it is held: " + backup.hold->name;
  if (!IsTerminal(backup.status)) {
    return "it is " + std::string(WorkStatusName(backup.status)) + ": abort it first";
  }
  VARVE_ASSIGN_OR_RETURN(const auto addon, state.FindAddon(backup.addon_id));
  if (addon && addon->provisioned_backup_id == backup.id &&
      backup.status == WorkStatus::kCompleted) {
    return std::string("it is what a reset of its addon goes back to");
  }
  return UseOf(state, backup.id);
}

}  // namespace

Result<DeletePlan> WorkRequests::PlanDelete(const std::string& backup_id) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  DeletePlan plan;
  VARVE_ASSIGN_OR_RETURN(plan.refusal, RefusalOf(plant_.state, backup));
  if (backup.snapshot_id.empty()) return plan;
  VARVE_ASSIGN_OR_RETURN(const auto engine, OpenRepositoryNow(plant_.config, backup.repository,
                                                              OpenMode::kRead, "plan of a delete"));
  Progress progress;
  VARVE_ASSIGN_OR_RETURN(const auto sizes, UniqueSizes(engine->repository(), progress));
  for (const auto& [id, bytes] : sizes) {
    if (id.Hex() == backup.snapshot_id) plan.bytes_freed = bytes;
  }
  return plan;
}

Result<Job> WorkRequests::StartDelete(const std::string& backup_id) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  const Job job = MakeJob(plant_, random_,
                          {JobKind::kDelete, backup.id, backup.addon_id, backup.repository, {}});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::string refusal, RefusalOf(plant_.state, backup));
    return refusal.empty() ? Status() : Busy("backup " + backup.id + ": " + refusal);
  }));
  return job;
}

}  // namespace varve::agent
