// Requests about addons: registering, forking, removing.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "agent/model/identifier.h"
#include "agent/work/request_steps.h"
#include "agent/work/work_requests.h"

namespace varve::agent {
namespace {

constexpr const char* kEngines[] = {"postgresql", "mysql", "mariadb", "mongodb", "redis", "none"};

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

Status CheckMountpoint(const std::string& mountpoint) {
  if (mountpoint.empty()) return {};
  const std::filesystem::path path(mountpoint);
  const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();
  if (path.is_absolute() && !climbs && path != "/" && mountpoint.find('\0') == std::string::npos) {
    return {};
  }
  return InvalidArgument("volume.mountpoint '" + mountpoint + "' is no absolute path without ..");
}

Status CheckAddon(const WorkPlant& plant, const Addon& addon) {
  VARVE_RETURN_IF_ERROR(CheckChosenId("id", addon.id));
  if (std::find(std::begin(kEngines), std::end(kEngines), addon.engine) == std::end(kEngines)) {
    return InvalidArgument("engine '" + addon.engine +
                           "' is none of postgresql, mysql, mariadb, mongodb, redis, none");
  }
  if (!GetRepository(plant.config, addon.repository).ok()) {
    return InvalidArgument("repository '" + addon.repository + "' is not in the configuration");
  }
  VARVE_RETURN_IF_ERROR(CheckMountpoint(addon.volume.mountpoint));
  return WithVolumePath(plant.config, addon).status();
}

// What the fork's settings leave open is as the source has it, in places of its own.
Addon ForkOf(Addon fork, const Addon& source, const std::string& backup_id) {
  fork.source = AddonSource{source.id, backup_id};
  if (fork.engine.empty()) fork.engine = source.engine;
  if (fork.version.empty()) fork.version = source.version;
  if (fork.repository.empty()) fork.repository = source.repository;
  if (fork.volume.path.empty()) fork.volume.path = fork.id + ".img";
  if (fork.volume.mountpoint.empty() && !source.volume.mountpoint.empty()) {
    const std::filesystem::path beside(source.volume.mountpoint);
    fork.volume.mountpoint = (beside.parent_path() / fork.id).string();
  }
  return fork;
}

}  // namespace

WorkRequests::WorkRequests(const WorkPlant& plant, JobRunner& runner, Random& random)
    : plant_(plant), runner_(runner), random_(random) {}

Status WorkRequests::RegisterAddon(Addon addon) {
  VARVE_RETURN_IF_ERROR(CheckAddon(plant_, addon));
  VARVE_ASSIGN_OR_RETURN(const Addon placed, WithVolumePath(plant_.config, addon));
  addon.created_ns = plant_.clock.NowUnixNs();
  addon.provisioned_backup_id.clear();
  if (!Exists(placed.volume.path)) return plant_.state.InsertAddon(addon);
  Backup backup;
  backup.id = addon.provisioned_backup_id = NewRecordId(random_);
  backup.addon_id = addon.id;
  backup.name = "as provisioned";
  backup.purpose = "provisioned";
  backup.repository = addon.repository;
  backup.created_ns = addon.created_ns;
  const Job job =
      MakeJob(plant_, random_, {JobKind::kBackup, backup.id, addon.id, addon.repository, {}});
  return AcceptJob(plant_, runner_, job, [&]() -> Status {
    VARVE_RETURN_IF_ERROR(plant_.state.InsertAddon(addon));
    return plant_.state.InsertBackup(backup);
  });
}

Result<RestoreRecord> WorkRequests::ForkAddon(Addon addon, const std::string& source_addon_id,
                                              const std::string& backup_id) {
  VARVE_ASSIGN_OR_RETURN(const Addon source, GetAddon(plant_.state, source_addon_id));
  std::optional<Backup> backup;
  if (backup_id == "latest") {
    VARVE_ASSIGN_OR_RETURN(backup, plant_.state.LatestCompleted(source.id, BackupType::kSnapshot));
    if (!backup) return Busy("addon " + source.id + " has no completed backup to fork from");
  } else {
    VARVE_ASSIGN_OR_RETURN(backup, plant_.state.FindBackup(backup_id));
    if (!backup || backup->addon_id != source.id) {
      return NotFound("addon " + source.id + " has no backup " + backup_id);
    }
  }
  VARVE_RETURN_IF_ERROR(CheckRestorable(*backup));
  addon = ForkOf(std::move(addon), source, backup->id);
  addon.created_ns = plant_.clock.NowUnixNs();
  VARVE_RETURN_IF_ERROR(CheckAddon(plant_, addon));
  VARVE_ASSIGN_OR_RETURN(const Addon placed, WithVolumePath(plant_.config, addon));
  if (Exists(placed.volume.path)) return AlreadyExists(placed.volume.path + " exists already");
  RestoreRecord restore;
  restore.id = NewRecordId(random_);
  restore.addon_id = addon.id;
  restore.backup_id = backup->id;
  restore.mode = "in-place";
  restore.purpose = "fork";
  restore.created_ns = addon.created_ns;
  const Job job = MakeJob(plant_, random_, {JobKind::kFork, restore.id, addon.id, "", {}});
  VARVE_RETURN_IF_ERROR(AcceptJob(plant_, runner_, job, [&]() -> Status {
    VARVE_RETURN_IF_ERROR(plant_.state.InsertAddon(addon));
    return plant_.state.InsertRestore(restore);
  }));
  return restore;
}

Status WorkRequests::RemoveAddon(const std::string& addon_id, bool delete_backups) {
  StateStore& state = plant_.state;
  VARVE_RETURN_IF_ERROR(GetAddon(state, addon_id).status());
  VARVE_RETURN_IF_ERROR(state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(CheckNoOpenJobs(state, addon_id));
    VARVE_RETURN_IF_ERROR(state.DeleteAddon(addon_id));
    if (!delete_backups) return {};
    BackupFilter filter;
    filter.addon_id = addon_id;
    VARVE_ASSIGN_OR_RETURN(const std::vector<Backup> backups, AllBackups(state, filter));
    for (const Backup& backup : backups) {
      if (backup.hold) return Busy("backup " + backup.id + " is held: " + backup.hold->name);
      VARVE_ASSIGN_OR_RETURN(const std::string use, UseOf(state, backup.id));
      if (!use.empty()) return Busy("backup " + backup.id + ": " + use);
      VARVE_RETURN_IF_ERROR(runner_.Accept(MakeJob(
          plant_, random_, {JobKind::kDelete, backup.id, backup.addon_id, backup.repository, {}})));
    }
    return {};
  }));
  runner_.Wake();
  return {};
}

}  // namespace varve::agent
