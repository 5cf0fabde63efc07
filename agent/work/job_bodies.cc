#include <memory>

#include "agent/capture/volume_capture.h"
#include "agent/work/backup_job.h"
#include "agent/work/backup_mount.h"
#include "agent/work/fork_job.h"
#include "agent/work/maintenance_jobs.h"
#include "agent/work/restore_drill.h"
#include "agent/work/restore_job.h"
#include "agent/work/verify_job.h"
#include "agent/work/work_plant.h"

namespace varve::agent {

void RegisterJobBodies(JobRunner& runner, const WorkPlant& plant) {
  // A frozen database waits for this. Failures stand in the logs of those whom they concern and
  // keep their facts for the next start.
  for (const Status& status : {VolumeCapture::RecoverAll(plant.state, plant.clock),
                               RecoverDrills(plant.state, plant.clock),
                               UndoFact::RecoverAll(plant.state, plant.clock, kMountFact)}) {
    static_cast<void>(status);
  }
  runner.Register(JobKind::kBackup, std::make_unique<BackupJob>(plant));
  runner.Register(JobKind::kRestore, std::make_unique<RestoreJob>(plant));
  runner.Register(JobKind::kFork, std::make_unique<ForkJob>(plant));
  runner.Register(JobKind::kVerify, std::make_unique<VerifyJob>(plant));
  runner.Register(JobKind::kDelete, std::make_unique<DeleteJob>(plant));
  runner.Register(JobKind::kGc, std::make_unique<GcJob>(plant));
  runner.Register(JobKind::kScrub, std::make_unique<ScrubJob>(plant));
}

}  // namespace varve::agent
