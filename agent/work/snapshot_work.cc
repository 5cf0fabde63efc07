#include "agent/work/snapshot_work.h"

#include "agent/capture/volume_capture.h"

namespace varve::agent {
namespace {

CaptureLimits LimitsOf(const AgentConfig& config) {
  CaptureLimits limits = config.capture;
  limits.never_frozen.push_back(config.state_directory);
  for (const RepositorySettings& repository : config.repositories)
    limits.never_frozen.push_back(repository.path);
  return limits;
}

SnapshotOptions OptionsOf(const SnapshotWork& work, const Backup& backup,
                          const VolumeCapture& capture) {
  SnapshotOptions options;
  options.volume_name = work.addon.id;
  options.tags = {{kAddonTag, work.addon.id},
                  {kBackupTag, work.backup_id},
                  {kNameTag, backup.name},
                  {kCaptureTag, capture.kind()}};
  if (work.level) options.compression_level = *work.level;
  options.consistency = capture.consistency();
  return options;
}

// A snapshot that was read while the file system was not frozen any more is of no moment.
void TakeBack(Engine& engine, const SnapshotRecord& record, JobContext& context) {
  const auto plan = engine.PlanForget({.selectors = {record.id.Hex()}});
  const Status forgotten = plan.ok() ? engine.Forget(*plan) : plan.status();
  if (!forgotten.ok()) {
    context.Log("warning", "snapshot " + record.id.Short() +
                               " is of no moment and cannot be deleted: " + forgotten.message());
  }
}

Status Complete(const SnapshotReport& report, const VolumeCapture& capture,
                const std::string& backup_id, JobContext& context) {
  const SnapshotStatistics& statistics = report.record.statistics;
  if (report.audit_misses > 0) {
    context.Log("warning", "the audit found " + std::to_string(report.audit_misses) +
                               " chunks changed whose fingerprint had not; stored as changed");
  }
  if (report.bases_unreadable > 0) {
    context.Log("warning", std::to_string(report.bases_unreadable) +
                               " older chunks cannot be read; stored whole instead");
  }
  context.Log("info", "snapshot " + report.record.id.Hex() + ": " +
                          std::to_string(statistics.bytes_read) + " bytes read, " +
                          std::to_string(statistics.bytes_changed) + " changed, " +
                          std::to_string(statistics.bytes_stored) + " stored");
  return ChangeBackup(context.state(), backup_id, [&](Backup& backup) {
    FillFacts(report.record, backup);
    backup.facts.capture = capture.kind();
    backup.facts.pause_ns = capture.pause_ns();
    backup.status = WorkStatus::kCompleted;
    backup.finished_ns = context.clock().NowUnixNs();
  });
}

}  // namespace

std::string TagOf(const SnapshotRecord& record, const std::string& key) {
  for (const auto& [name, value] : record.tags) {
    if (name == key) return value;
  }
  return "";
}

void FillFacts(const SnapshotRecord& record, Backup& backup) {
  backup.snapshot_id = record.id.Hex();
  BackupFacts& facts = backup.facts;
  facts.bytes_logical = record.size_bytes;
  facts.bytes_read = record.statistics.bytes_read;
  facts.bytes_changed = record.statistics.bytes_changed;
  facts.bytes_stored = record.statistics.bytes_stored;
  facts.consistency = std::string(ConsistencyName(record.consistency));
  facts.change_source = record.change_source;
  facts.fallback_reason = record.fallback_reason.value_or("");
  facts.capture = TagOf(record, kCaptureTag);
  facts.parent_snapshot = record.parent ? record.parent->Hex() : "";
}

Status TakeBackup(const WorkPlant& plant, const SnapshotWork& work, JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(context.state(), work.backup_id));
  context.EnterPhase("open repository");
  // Before the capture, which is to be short.
  VARVE_ASSIGN_OR_RETURN(const auto engine,
                         OpenRepository(plant, backup.repository, OpenMode::kWrite,
                                        "backup " + work.backup_id, context));
  VARVE_RETURN_IF_ERROR(CheckNotAborted(context));
  context.EnterPhase("capture");
  Addon addon = work.addon;
  if (work.capture) addon.volume.capture = *work.capture;
  VARVE_ASSIGN_OR_RETURN(
      const auto capture,
      VolumeCapture::Open(addon, HooksOf(plant.config, addon), LimitsOf(plant.config), context));
  context.Log("info", "reading " + capture->path() + " (" + capture->kind() + ")");
  context.EnterPhase("read");
  const Result<SnapshotReport> report =
      engine->Snapshot(capture->path(), OptionsOf(work, backup, *capture), context.progress());
  context.EnterPhase("release");
  const Status released = capture->Release(context);
  if (!released.ok()) context.Log("error", "release: " + released.message());
  if (!report.ok()) return report.status();
  if (!released.ok() && capture->consistency() == Consistency::kFilesystem) {
    TakeBack(*engine, report->record, context);
    return released;
  }
  return Complete(*report, *capture, work.backup_id, context);
}

Status SettleBackup(const WorkPlant& plant, const std::string& backup_id, JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const Backup backup, GetBackup(context.state(), backup_id));
  if (IsTerminal(backup.status)) return {};
  std::string reason = "the agent ended while the backup was made";
  const auto engine =
      OpenRepositoryNow(plant.config, backup.repository, OpenMode::kRead, "recovery");
  const auto records = engine.ok() ? (*engine)->List(backup.addon_id)
                                   : Result<std::vector<SnapshotRecord>>(engine.status());
  if (!records.ok()) reason += "; its repository cannot be asked: " + records.status().message();
  const SnapshotRecord* mine = nullptr;
  if (records.ok()) {
    for (const SnapshotRecord& record : *records) {
      if (TagOf(record, kBackupTag) == backup_id) mine = &record;
    }
  }
  // One that was read frozen may have outlived its freeze: nobody was there to tell.
  if (mine != nullptr && mine->consistency == Consistency::kFilesystem) mine = nullptr;
  context.Log(mine == nullptr ? "error" : "info",
              mine == nullptr ? reason : "the snapshot was committed before the agent ended");
  return ChangeBackup(context.state(), backup_id, [&](Backup& changed) {
    if (mine != nullptr) FillFacts(*mine, changed);
    changed.status = mine != nullptr ? WorkStatus::kCompleted : WorkStatus::kFailed;
    if (mine == nullptr) changed.error = reason;
    changed.finished_ns = context.clock().NowUnixNs();
  });
}

}  // namespace varve::agent
