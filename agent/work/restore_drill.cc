#include "agent/work/restore_drill.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "agent/work/backup_mount.h"
#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

constexpr const char* kDrillFact = "drill";

// A port of this machine that nobody listens on now.
Result<uint16_t> FreePort() {
  const FileDescriptor endpoint(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (!endpoint.valid() || bind(endpoint.get(), plain, size) != 0 ||
      getsockname(endpoint.get(), plain, &size) != 0) {
    return Status::FromErrno(errno, "a port for the drill");
  }
  return ntohs(address.sin_port);
}

// The addon as the drill's hooks see it.
Result<Addon> DrillAddon(const Addon& addon, const std::string& volume,
                         const std::string& mountpoint) {
  Addon drill = addon;
  drill.volume.path = volume;
  drill.volume.mountpoint = mountpoint;
  drill.connection.host = "127.0.0.1";
  VARVE_ASSIGN_OR_RETURN(drill.connection.port, FreePort());
  return drill;
}

Result<std::string> StartAndAsk(const AddonHooks& hooks, JobContext& context) {
  context.EnterPhase("drill mount");
  VARVE_RETURN_IF_ERROR(hooks.Mount());
  VARVE_RETURN_IF_ERROR(CheckNotAborted(context));
  context.EnterPhase("drill start");
  VARVE_RETURN_IF_ERROR(hooks.DrillStart());
  context.EnterPhase("drill check");
  return hooks.DrillCheck(context.progress());
}

Status TearDown(const AddonHooks& hooks, UndoFact& fact, JobContext& context) {
  context.EnterPhase("drill stop");
  const Status stopped = hooks.DrillStop();
  if (!stopped.ok()) context.Log("error", stopped.message());
  VARVE_RETURN_IF_ERROR(hooks.Unmount());
  const std::string& mountpoint = hooks.addon().volume.mountpoint;
  if (rmdir(mountpoint.c_str()) != 0 && errno != ENOENT) {
    return Status::FromErrno(errno, mountpoint);
  }
  VARVE_RETURN_IF_ERROR(fact.Clear());
  return stopped;
}

std::vector<UndoStep> TearDownSteps(const AddonHooks& hooks) {
  std::vector<UndoStep> steps;
  if (!hooks.hooks().drill_stop.empty()) steps.push_back(hooks.DrillStopStep());
  UndoStep unmount;
  unmount.kind = UndoStep::Kind::kUnmount;
  unmount.path = hooks.addon().volume.mountpoint;
  steps.push_back(unmount);
  return steps;
}

// On the mounted volume; its mountpoint is made and removed here.
Result<std::string> DrillOn(const WorkPlant& plant, const Addon& addon, const std::string& volume,
                            const Backup& backup, JobContext& context) {
  const std::string mountpoint = BackupMountpoint(plant, "drill-" + context.job().id + "-files");
  std::error_code error;
  std::filesystem::create_directories(mountpoint, error);
  if (error) return Status::FromErrno(error.value(), mountpoint);
  VARVE_ASSIGN_OR_RETURN(const Addon drill, DrillAddon(addon, volume, mountpoint));
  const AddonHooks hooks = HooksIn(plant, drill, context);
  UndoFact fact(context.state(), kDrillFact, context.job().id, backup.id);
  VARVE_RETURN_IF_ERROR(fact.Set(TearDownSteps(hooks)));
  const Result<std::string> answer = StartAndAsk(hooks, context);
  const Status down = TearDown(hooks, fact, context);
  if (!answer.ok()) return answer;
  VARVE_RETURN_IF_ERROR(down);
  return answer;
}

}  // namespace

Result<std::string> RunRestoreDrill(const WorkPlant& plant, const Backup& backup,
                                    JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const Addon addon, GetAddon(context.state(), backup.addon_id));
  if (HooksOf(plant.config, addon).drill_check.empty()) {
    return Unsupported("addon " + addon.id + " has no drill check hook: nothing would be proved");
  }
  const std::string name = "drill-" + context.job().id;
  context.EnterPhase("open copy-on-write");
  VARVE_ASSIGN_OR_RETURN(const std::string volume, OpenBackupMount(plant, name, backup, true));
  const Result<std::string> answer = DrillOn(plant, addon, volume, backup, context);
  // A loop device lets go of the volume a moment after the unmount.
  Status closed = CloseBackupMount(plant, name);
  for (int tries = 0; closed.code() == Code::kBusy && tries < 100; ++tries) {
    usleep(100'000);
    closed = CloseBackupMount(plant, name);
  }
  if (!answer.ok()) return answer;
  VARVE_RETURN_IF_ERROR(closed);
  return answer;
}

Status RecoverDrills(StateStore& state, const Clock& clock) {
  return UndoFact::RecoverAll(state, clock, kDrillFact);
}

}  // namespace varve::agent
