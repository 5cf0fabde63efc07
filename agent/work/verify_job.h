// Jobs that prove a backup. Subject: the backup; its verification has the result. Parameters:
// {"verifyLevel": …}:
//
//   checksum  every chunk decodes to bytes with its id
//   mount     and every byte can be read through a mount
//   restore   a drill: copy-on-write mount, the file system mounted, the engine started on it and
//             asked, all of it taken down again
#pragma once

#include "agent/work/work_steps.h"

namespace varve::agent {

class VerifyJob : public JobBody {
 public:
  explicit VerifyJob(const WorkPlant& plant) : plant_(plant) {}

  // Corruption or the drill's failure also when the result could be recorded.
  Status Run(JobContext& context) override;
  // Takes down what a drill left; the proof is not repeated.
  Status Recover(JobContext& context) override;

 private:
  Result<std::string> Prove(const Backup& backup, const std::string& level, JobContext& context);

  const WorkPlant& plant_;
};

}  // namespace varve::agent
