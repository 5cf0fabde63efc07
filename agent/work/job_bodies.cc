#include <memory>

#include "agent/work/backup_job.h"
#include "agent/work/fork_job.h"
#include "agent/work/maintenance_jobs.h"
#include "agent/work/restore_job.h"
#include "agent/work/verify_job.h"
#include "agent/work/work_plant.h"

namespace varve::agent {

void RegisterJobBodies(JobRunner& runner, const WorkPlant& plant) {
  runner.Register(JobKind::kBackup, std::make_unique<BackupJob>(plant));
  runner.Register(JobKind::kRestore, std::make_unique<RestoreJob>(plant));
  runner.Register(JobKind::kFork, std::make_unique<ForkJob>(plant));
  runner.Register(JobKind::kVerify, std::make_unique<VerifyJob>(plant));
  runner.Register(JobKind::kDelete, std::make_unique<DeleteJob>(plant));
  runner.Register(JobKind::kGc, std::make_unique<GcJob>(plant));
  runner.Register(JobKind::kScrub, std::make_unique<ScrubJob>(plant));
}

}  // namespace varve::agent
