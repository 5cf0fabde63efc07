#include "agent/work/backup_mount.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "agent/capture/addon_hooks.h"
#include "agent/process/command.h"
#include "agent/work/work_steps.h"

namespace varve::agent {
namespace {

constexpr std::chrono::seconds kMountTimeout{60};
constexpr std::chrono::seconds kUnmountTimeout{90};

CommandRequest Varve(const WorkPlant& plant, std::vector<std::string> words) {
  CommandRequest request;
  request.argv = std::move(words);
  request.argv.insert(request.argv.begin(), plant.varve_binary);
  request.timeout = kMountTimeout;
  return request;
}

Status RunVarve(const CommandRequest& request) {
  return RunHook("varve " + request.argv[1], request, [](const std::string&) {});
}

}  // namespace

std::string BackupMountpoint(const WorkPlant& plant, const std::string& name) {
  return plant.config.state_directory + "/mounts/" + name;
}

Result<std::string> OpenBackupMount(const WorkPlant& plant, const std::string& name,
                                    const Backup& backup, bool writable) {
  VARVE_ASSIGN_OR_RETURN(const RepositorySettings* const repository,
                         GetRepository(plant.config, backup.repository));
  if (backup.status != WorkStatus::kCompleted || backup.snapshot_id.empty()) {
    return Busy("backup " + backup.id + " is not completed");
  }
  const std::string mountpoint = BackupMountpoint(plant, name);
  if (IsMountpoint(mountpoint)) return AlreadyExists(mountpoint + " is mounted already");
  std::error_code error;
  std::filesystem::create_directories(mountpoint, error);
  if (error) return Status::FromErrno(error.value(), mountpoint);
  UndoStep unmount;
  unmount.kind = UndoStep::Kind::kUnmount;
  unmount.path = mountpoint;
  UndoFact fact(plant.state, kMountFact, name, backup.id);
  VARVE_RETURN_IF_ERROR(fact.Set({unmount}));
  CommandRequest request = Varve(plant, {"mount", "--repo", repository->path});
  if (!repository->password_file.empty()) {
    request.argv.insert(request.argv.end(), {"--passphrase-file", repository->password_file});
  }
  if (writable) request.argv.push_back("--writable");
  request.argv.insert(request.argv.end(), {"--", backup.snapshot_id, mountpoint});
  const Status mounted = RunVarve(request);
  if (mounted.ok()) return mountpoint + "/volume.raw";
  const Status closed = CloseBackupMount(plant, name);
  return closed.ok() ? mounted : mounted.WithContext(closed.message());
}

Status CloseBackupMount(const WorkPlant& plant, const std::string& name) {
  const std::string mountpoint = BackupMountpoint(plant, name);
  if (IsMountpoint(mountpoint)) {
    CommandRequest request = Varve(plant, {"umount", "--", mountpoint});
    request.timeout = kUnmountTimeout;
    const Status status = RunVarve(request);
    // An exit code of 11 is "busy" of the command line's.
    if (status.message().find("exit code 11") != std::string::npos) {
      return Busy("files of " + mountpoint + " are open");
    }
    VARVE_RETURN_IF_ERROR(status);
  }
  if (rmdir(mountpoint.c_str()) != 0 && errno != ENOENT) {
    return Status::FromErrno(errno, mountpoint);
  }
  return plant.state.DeleteFact(kMountFact, name);
}

}  // namespace varve::agent
