// Jobs that make the volume of a new addon from a backup of another, and start it.
// Subject: the restore into the new addon.
#pragma once

#include "agent/work/work_steps.h"

namespace varve::agent {

class ForkJob : public JobBody {
 public:
  explicit ForkJob(const WorkPlant& plant) : plant_(plant) {}

  // Where it fails or is aborted, the volume is gone again; the addon's record stays for a restore
  // into it, or to be removed.
  Status Run(JobContext& context) override;
  Status Recover(JobContext& context) override;

 private:
  Status MakeAndStart(const RestoreRecord& restore, const AddonHooks& hooks, JobContext& context);
  Status TakeBack(const AddonHooks& hooks, JobContext& context);

  const WorkPlant& plant_;
};

}  // namespace varve::agent
