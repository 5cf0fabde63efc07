#include "agent/work/verify_job.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "agent/work/backup_mount.h"
#include "agent/work/job_parameters.h"
#include "agent/work/restore_drill.h"
#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

Result<std::string> ProveChecksums(const WorkPlant& plant, const Backup& backup,
                                   JobContext& context) {
  context.EnterPhase("verify");
  VARVE_ASSIGN_OR_RETURN(
      const auto engine,
      OpenRepository(plant, backup.repository, OpenMode::kRead, "verify of " + backup.id, context));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, engine->Find(backup.snapshot_id));
  VARVE_ASSIGN_OR_RETURN(const VerifyReport report,
                         engine->Verify(record, VerifyLevel::kFull, context.progress()));
  for (const HurtRange& range : report.hurt) {
    context.Log("error", "bytes " + std::to_string(range.begin) + " to " +
                             std::to_string(range.end) + " cannot be read back: " + range.why);
  }
  if (!report.hurt.empty()) {
    return Corruption(std::to_string(report.hurt.size()) + " ranges cannot be read back, first " +
                      report.hurt.front().why);
  }
  return std::to_string(report.chunks_verified) + " chunks, " +
         std::to_string(report.bytes_verified) + " bytes";
}

Status ReadThrough(const std::string& path, Progress& progress) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const off_t size = file.valid() ? lseek(file.get(), 0, SEEK_END) : -1;
  if (size < 0) return Status::FromErrno(errno, path);
  progress.bytes_done = 0;
  progress.bytes_total = static_cast<uint64_t>(size);
  std::vector<char> buffer(kReadBytes);
  for (off_t offset = 0; offset < size;) {
    if (progress.cancelled) return Cancelled("aborted");
    const ssize_t count = pread(file.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::FromErrno(errno, path + " at " + std::to_string(offset));
    if (count == 0) return Corruption(path + " ends at " + std::to_string(offset));
    offset += count;
    progress.bytes_done = static_cast<uint64_t>(offset);
  }
  return {};
}

Result<std::string> ProveMount(const WorkPlant& plant, const Backup& backup, JobContext& context) {
  context.EnterPhase("mount");
  const std::string name = "verify-" + context.job().id;
  VARVE_ASSIGN_OR_RETURN(const std::string file, OpenBackupMount(plant, name, backup, false));
  context.EnterPhase("read");
  const Status status = ReadThrough(file, context.progress());
  const Status closed = CloseBackupMount(plant, name);
  VARVE_RETURN_IF_ERROR(status);
  VARVE_RETURN_IF_ERROR(closed);
  return std::to_string(context.progress().bytes_done) + " bytes read through a mount";
}

}  // namespace

Result<std::string> VerifyJob::Prove(const Backup& backup, const std::string& level,
                                     JobContext& context) {
  if (backup.status != WorkStatus::kCompleted || backup.snapshot_id.empty()) {
    return Busy("backup " + backup.id + " is not completed");
  }
  if (level == "checksum") return ProveChecksums(plant_, backup, context);
  if (level == "mount") return ProveMount(plant_, backup, context);
  if (level == "restore") return RunRestoreDrill(plant_, backup, context);
  return InvalidArgument("verify level '" + level + "' is none of checksum, mount, restore");
}

Status VerifyJob::Run(JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const JobParameters parameters,
                         DecodeParameters(context.job().parameters));
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(context.state(), context.job().subject_id));
  const std::string& level = parameters.verify_level;
  const Result<std::string> proof = Prove(backup, level, context);
  // An abort and a wish that cannot be met say nothing about the backup.
  if (proof.status().code() == Code::kCancelled || proof.status().code() == Code::kUnsupported) {
    return proof.status();
  }
  context.Log(proof.ok() ? "info" : "error",
              "verify (" + level + ") " +
                  (proof.ok() ? "passed: " + *proof : "failed: " + proof.status().message()));
  VARVE_RETURN_IF_ERROR(ChangeBackup(context.state(), backup.id, [&](Backup& changed) {
    changed.verification =
        Verification{level, proof.ok() ? "passed" : "failed",
                     proof.ok() ? *proof : proof.status().message(), context.clock().NowUnixNs()};
  }));
  return proof.status();
}

Status VerifyJob::Recover(JobContext& context) {
  const Status drills = RecoverDrills(context.state(), context.clock());
  const Status mounts = UndoFact::RecoverAll(context.state(), context.clock(), kMountFact);
  context.Log("error", "the agent ended during the verify");
  return drills.ok() ? mounts : drills;
}

}  // namespace varve::agent
