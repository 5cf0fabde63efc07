// Jobs that make a backup of an addon's volume. Subject: the backup. Parameters: {"level": n}.
#pragma once

#include "agent/work/work_steps.h"

namespace varve::agent {

class BackupJob : public JobBody {
 public:
  explicit BackupJob(const WorkPlant& plant) : plant_(plant) {}

  Status Run(JobContext& context) override;
  // Undoes the capture; the backup is completed if its snapshot was committed, else failed.
  Status Recover(JobContext& context) override;

 private:
  const WorkPlant& plant_;
};

}  // namespace varve::agent
