#include "agent/work/backup_job.h"

#include "agent/capture/volume_capture.h"
#include "agent/work/job_parameters.h"
#include "agent/work/snapshot_work.h"

namespace varve::agent {

Status BackupJob::Run(JobContext& context) {
  const std::string& backup_id = context.job().subject_id;
  VARVE_RETURN_IF_ERROR(ChangeBackup(context.state(), backup_id, [&](Backup& backup) {
    backup.status = WorkStatus::kInProgress;
    backup.started_ns = context.clock().NowUnixNs();
  }));
  VARVE_ASSIGN_OR_RETURN(const JobParameters parameters,
                         DecodeParameters(context.job().parameters));
  VARVE_ASSIGN_OR_RETURN(Addon addon, GetAddon(context.state(), context.job().addon_id));
  VARVE_ASSIGN_OR_RETURN(addon, WithVolumePath(plant_.config, std::move(addon)));
  SnapshotWork work{std::move(addon), backup_id, parameters.level, std::nullopt};
  return TakeBackup(plant_, work, context);
}

Status BackupJob::Recover(JobContext& context) {
  const Status undone = VolumeCapture::RecoverAll(context.state(), context.clock());
  if (!undone.ok()) context.Log("error", undone.message());
  return SettleBackup(plant_, context.job().subject_id, context);
}

}  // namespace varve::agent
