// Writing a snapshot over an addon's volume while its database is down, and bringing that up again.
// What the steps of restores, resets and forks share.
#pragma once

#include <string>

#include "agent/work/work_steps.h"

namespace varve::agent {

// Facts in the state: databases that are down for a restore, and what brings them up.
inline constexpr const char* kDownFact = "restore-down";
// Restores (by id) that have begun to write a volume and have not finished.
inline constexpr const char* kWritingFact = "restore-writing";

struct WrittenBytes {
  uint64_t total = 0;
  uint64_t written = 0;  // zeroed ones too
};

// Makes the volume what the backup's snapshot is. One that exists is written in place where it
// differs; else the file is made. Waits for a loop device to let go of the file, a moment after the
// unmount. `progress`: of the job, or one of its own where an abort must not stop it.
Result<WrittenBytes> WriteVolume(const WorkPlant& plant, const Backup& backup,
                                 const std::string& path, JobContext& context, Progress& progress);

// For a fork: as WriteVolume, but the file appears whole or not at all, sharing the blocks that are
// the same with `source_volume` (empty: none) where the file system can. AlreadyExists if there is
// such a file.
Result<WrittenBytes> MakeVolume(const WorkPlant& plant, const Backup& backup,
                                const std::string& source_volume, const std::string& path,
                                JobContext& context);
// What a MakeVolume of that job left half done.
Status RemoveHalfMade(const std::string& path, const std::string& job_id);

// Stops the database and unmounts its file system.
Status TakeDown(const AddonHooks& hooks, JobContext& context);

}  // namespace varve::agent
