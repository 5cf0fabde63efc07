// Jobs that bring a backup back to a volume: restores in place, into another addon, resets.
// Subject: the restore. Parameters: {"safetySnapshot": bool}.
//
//   safety snapshot -> stop -> unmount -> write what differs -> mount -> start -> health
//
// Nothing is written before the safety snapshot is durable. From the first write until the database
// answers, a failure or an abort brings the safety snapshot's state back; without one the volume
// stays as it is, the database down, and the log says so.
#pragma once

#include "agent/work/work_steps.h"

namespace varve::agent {

class RestoreJob : public JobBody {
 public:
  explicit RestoreJob(const WorkPlant& plant) : plant_(plant) {}

  Status Run(JobContext& context) override;
  // Before the first write: the database is brought up. Later: the safety snapshot is brought back,
  // or without one the restore is finished, for that is the only whole state there is.
  Status Recover(JobContext& context) override;

 private:
  struct Steps;

  Result<Steps> Prepare(JobContext& context);
  Status TakeSafetySnapshot(Steps& steps, JobContext& context);
  Status Write(Steps& steps, JobContext& context, Progress& progress);
  Status BringBack(Steps& steps, const Status& why, JobContext& context);
  Status RollBack(Steps& steps, JobContext& context);
  Status RecoverVolume(const RestoreRecord& restore, JobContext& context);

  const WorkPlant& plant_;
};

}  // namespace varve::agent
