#include "agent/work/volume_writing.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "agent/capture/reflink_clone.h"
#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

constexpr int kBusyPauseMs = 100;
constexpr int kBusyTries = 300;  // a loop device lets go after its last user has closed it

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

std::string HalfMadePath(const std::string& path, const std::string& job_id) {
  return ClonePathOf(path, "fork-" + job_id);
}

Result<WrittenBytes> WriteWith(Engine& engine, const Backup& backup, const std::string& path,
                               TargetMode mode, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, engine.Find(backup.snapshot_id));
  RestoreRequest request;
  request.target = path;
  request.mode = mode;
  for (int tries = 0;; ++tries) {
    const Result<RestoreOutcome> outcome = engine.Restore(record, request, progress);
    if (outcome.ok()) {
      const RestoreReport& report = outcome->report;
      return WrittenBytes{report.bytes_total, report.bytes_written + report.bytes_zeroed};
    }
    if (outcome.status().code() != Code::kBusy || tries >= kBusyTries) return outcome.status();
    poll(nullptr, 0, kBusyPauseMs);
  }
}

// Durably.
Status CutTo(const std::string& path, uint64_t size_bytes) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0 ||
      fsync(file.get()) != 0) {
    return Status::FromErrno(errno, path);
  }
  return {};
}

Status GiveName(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    return Status::FromErrno(errno, to);
  }
  const std::string parent = std::filesystem::path(to).parent_path().string();
  const FileDescriptor directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) return Status::FromErrno(errno, parent);
  return {};
}

}  // namespace

Result<WrittenBytes> WriteVolume(const WorkPlant& plant, const Backup& backup,
                                 const std::string& path, JobContext& context, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(const auto engine,
                         OpenRepository(plant, backup.repository, OpenMode::kRead,
                                        "restore of " + backup.id, context));
  const TargetMode mode = Exists(path) ? TargetMode::kInPlace : TargetMode::kNewFile;
  return WriteWith(*engine, backup, path, mode, progress);
}

Result<WrittenBytes> MakeVolume(const WorkPlant& plant, const Backup& backup,
                                const std::string& source_volume, const std::string& path,
                                JobContext& context) {
  if (Exists(path)) return AlreadyExists(path + " exists, a fork makes a new volume");
  VARVE_ASSIGN_OR_RETURN(
      const auto engine,
      OpenRepository(plant, backup.repository, OpenMode::kRead, "fork from " + backup.id, context));
  const std::string half = HalfMadePath(path, context.job().id);
  const Status cloned = source_volume.empty()
                            ? Unsupported("there is no volume to share blocks with")
                            : CloneFile(source_volume, half);
  if (!cloned.ok()) context.Log("info", "the whole volume is restored: " + cloned.message());
  Result<WrittenBytes> written =
      WriteWith(*engine, backup, half, cloned.ok() ? TargetMode::kInPlace : TargetMode::kNewFile,
                context.progress());
  Status status = written.status();
  // A clone may be larger than the snapshot: what is behind its end is nothing of the fork's.
  if (status.ok()) status = CutTo(half, written->total);
  if (status.ok()) status = GiveName(half, path);
  if (status.ok()) return written;
  const Status removed = RemoveHalfMade(path, context.job().id);
  if (!removed.ok()) context.Log("warning", removed.message());
  return status;
}

Status RemoveHalfMade(const std::string& path, const std::string& job_id) {
  const std::string half = HalfMadePath(path, job_id);
  if (unlink(half.c_str()) == 0 || errno == ENOENT) return {};
  return Status::FromErrno(errno, half);
}

Status TakeDown(const AddonHooks& hooks, JobContext& context) {
  context.EnterPhase("stop");
  VARVE_RETURN_IF_ERROR(hooks.Stop());
  context.EnterPhase("unmount");
  return hooks.Unmount();
}

}  // namespace varve::agent
