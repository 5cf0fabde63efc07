// Requests that bring backups back or look into them: restores, resets, mounts, differences; and
// adopting what a repository holds.
#include <set>

#include "agent/model/identifier.h"
#include "agent/work/backup_mount.h"
#include "agent/work/request_steps.h"
#include "agent/work/snapshot_work.h"
#include "agent/work/work_requests.h"

namespace varve::agent {
namespace {

// The id that an adopted volume's addon gets: its tag, else its name with what ids may not have
// left out.
std::string AddonIdOf(const SnapshotRecord& record) {
  const std::string tagged = TagOf(record, kAddonTag);
  if (CheckChosenId("addon", tagged).ok()) return tagged;
  std::string id;
  for (const char letter : record.volume_name) {
    const char lower = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (plain || (!id.empty() && (lower == '.' || lower == '_' || lower == '-'))) id += lower;
    if (id.size() == 63) break;
  }
  return id.empty() ? "adopted" : id;
}

Addon AdoptedAddon(const std::string& id, const std::string& repository, int64_t now_ns) {
  Addon addon;
  addon.id = id;
  addon.engine = "none";
  addon.volume.path = id + ".img";
  addon.repository = repository;
  addon.created_ns = now_ns;
  return addon;
}

Backup AdoptedBackup(const SnapshotRecord& record, const std::string& repository) {
  Backup backup;
  backup.addon_id = AddonIdOf(record);
  backup.name = TagOf(record, kNameTag);
  if (!CheckBackupName(backup.name).ok()) {
    backup.name = NameWithDate("snapshot", record.start_unix_ns);
  }
  backup.status = WorkStatus::kCompleted;
  backup.purpose = "manual";
  backup.repository = repository;
  backup.created_ns = backup.started_ns = record.start_unix_ns;
  backup.finished_ns = record.end_unix_ns;
  FillFacts(record, backup);
  return backup;
}

}  // namespace

Result<RestoreRecord> WorkRequests::StartRestore(const BackupRestoreRequest& request) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, request.backup_id));
  VARVE_RETURN_IF_ERROR(CheckRestorable(backup));
  if (request.mode == "instant") {
    return Unsupported("mode instant is not built yet; varve restore --instant does it by hand");
  }
  if (request.mode != "in-place") {
    return InvalidArgument("mode '" + request.mode + "' is none of in-place, instant");
  }
  const std::string target =
      request.target_addon_id.empty() ? backup.addon_id : request.target_addon_id;
  VARVE_ASSIGN_OR_RETURN(const Addon addon, GetAddon(plant_.state, target));
  VARVE_RETURN_IF_ERROR(WithVolumePath(plant_.config, addon).status());
  return AcceptRestore(addon, backup, "restore", request.safety_snapshot);
}

Result<RestoreRecord> WorkRequests::StartReset(const std::string& addon_id,
                                               const std::string& confirm) {
  VARVE_ASSIGN_OR_RETURN(const Addon addon, GetAddon(plant_.state, addon_id));
  if (confirm != addon.id) {
    return InvalidArgument("confirm is '" + confirm + "', not the addon's id '" + addon.id + "'");
  }
  const std::string backup_id =
      addon.source ? addon.source->backup_id : addon.provisioned_backup_id;
  if (backup_id.empty()) {
    return Busy("addon " + addon.id +
                " has no snapshot as provisioned: its volume did not exist when it was registered");
  }
  VARVE_ASSIGN_OR_RETURN(const auto backup, plant_.state.FindBackup(backup_id));
  if (!backup) {
    return Busy("backup " + backup_id + ", which a reset of addon " + addon.id +
                " goes back to, was deleted");
  }
  VARVE_RETURN_IF_ERROR(CheckRestorable(*backup));
  return AcceptRestore(addon, *backup, "reset", true);
}

Result<RestoreRecord> WorkRequests::AcceptRestore(const Addon& addon, const Backup& backup,
                                                  const std::string& purpose,
                                                  bool safety_snapshot) {
  RestoreRecord restore;
  restore.id = NewRecordId(random_);
  restore.addon_id = addon.id;
  restore.backup_id = backup.id;
  restore.mode = "in-place";
  restore.purpose = purpose;
  restore.created_ns = plant_.clock.NowUnixNs();
  JobParameters parameters;
  parameters.safety_snapshot = safety_snapshot;
  const Job job = MakeJob(plant_, random_,
                          {JobKind::kRestore, restore.id, addon.id,
                           safety_snapshot ? addon.repository : "", parameters});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [&]() -> Status {
    // Nobody may have asked for its end meanwhile.
    VARVE_ASSIGN_OR_RETURN(const std::vector<Job> jobs, plant_.state.ListOpenJobs());
    for (const Job& other : jobs) {
      if (other.kind == JobKind::kDelete && other.subject_id == backup.id) {
        return Busy("backup " + backup.id + " is being deleted");
      }
    }
    return plant_.state.InsertRestore(restore);
  }));
  return restore;
}

Result<std::string> WorkRequests::MountBackup(const std::string& backup_id, bool writable) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  VARVE_RETURN_IF_ERROR(CheckRestorable(backup));
  return OpenBackupMount(plant_, backup.id, backup, writable);
}

Status WorkRequests::UnmountBackup(const std::string& backup_id) {
  VARVE_RETURN_IF_ERROR(GetBackup(plant_.state, backup_id).status());
  VARVE_ASSIGN_OR_RETURN(const auto mounts, plant_.state.ListFacts(kMountFact));
  for (const auto& [name, value] : mounts) {
    if (name == backup_id) return CloseBackupMount(plant_, backup_id);
  }
  return NotFound("backup " + backup_id + " is not mounted");
}

Result<std::vector<VolumeExtent>> WorkRequests::Diff(const std::string& backup_id,
                                                     const std::string& base_id) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(plant_.state, backup_id));
  VARVE_ASSIGN_OR_RETURN(const Backup base, GetBackup(plant_.state, base_id));
  VARVE_RETURN_IF_ERROR(CheckRestorable(backup));
  VARVE_RETURN_IF_ERROR(CheckRestorable(base));
  if (backup.repository != base.repository) {
    return InvalidArgument("backups " + backup.id + " and " + base.id +
                           " are in different repositories");
  }
  VARVE_ASSIGN_OR_RETURN(const auto engine, OpenRepositoryNow(plant_.config, backup.repository,
                                                              OpenMode::kRead, "diff"));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord from, engine->Find(base.snapshot_id));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord to, engine->Find(backup.snapshot_id));
  return engine->Diff(from, to);
}

Result<uint64_t> WorkRequests::Adopt(const std::string& repository) {
  StateStore& state = plant_.state;
  VARVE_ASSIGN_OR_RETURN(const auto engine,
                         OpenRepositoryNow(plant_.config, repository, OpenMode::kRead, "adoption"));
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, engine->List(""));
  uint64_t adopted = 0;
  VARVE_RETURN_IF_ERROR(state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::vector<Backup> known, AllBackups(state, {}));
    std::set<std::string> snapshots;
    for (const Backup& backup : known)
      snapshots.insert(backup.snapshot_id);
    for (const SnapshotRecord& record : records) {
      if (snapshots.contains(record.id.Hex())) continue;
      Backup backup = AdoptedBackup(record, repository);
      backup.id = TagOf(record, kBackupTag);
      VARVE_ASSIGN_OR_RETURN(const auto same, state.FindBackup(backup.id));
      if (!IsRecordId(backup.id) || same) backup.id = NewRecordId(random_);
      VARVE_ASSIGN_OR_RETURN(const auto addon, state.FindAddon(backup.addon_id));
      if (!addon) {
        VARVE_RETURN_IF_ERROR(
            state.InsertAddon(AdoptedAddon(backup.addon_id, repository, plant_.clock.NowUnixNs())));
      }
      VARVE_RETURN_IF_ERROR(state.InsertBackup(backup));
      ++adopted;
    }
    return {};
  }));
  return adopted;
}

}  // namespace varve::agent
