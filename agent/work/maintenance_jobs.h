// Jobs that look after repositories: deleting a backup's snapshot, garbage collection, scrub.
// Interrupted anywhere they leave a sound repository. After a crash a delete is finished; the
// others fail, and the next of them goes on with what it finds.
#pragma once

#include "agent/work/work_steps.h"

namespace varve::agent {

// Subject: the backup. Its record goes when its snapshot is gone. Busy if it is held by then.
class DeleteJob : public JobBody {
 public:
  explicit DeleteJob(const WorkPlant& plant) : plant_(plant) {}
  Status Run(JobContext& context) override;
  Status Recover(JobContext& context) override;

 private:
  const WorkPlant& plant_;
};

// Subject: the repository.
class GcJob : public JobBody {
 public:
  explicit GcJob(const WorkPlant& plant) : plant_(plant) {}
  Status Run(JobContext& context) override;
  Status Recover(JobContext& context) override;

 private:
  const WorkPlant& plant_;
};

// Subject: the repository. Corruption if anything is damaged.
class ScrubJob : public JobBody {
 public:
  explicit ScrubJob(const WorkPlant& plant) : plant_(plant) {}
  Status Run(JobContext& context) override;
  Status Recover(JobContext& context) override;

 private:
  const WorkPlant& plant_;
};

}  // namespace varve::agent
