// What a caller may ask of addons and backups: each checks the request against the state, writes
// the records and accepts the job in one transaction. The REST handlers, the scheduler and the
// command line's tests call these and nothing below.
//
// Thread-safe. Errors: InvalidArgument (422), NotFound (404), Busy (409 wrong state, held, in use),
// Unsupported (dumps, kinds of engines).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/jobs/job_runner.h"
#include "agent/model/addon.h"
#include "agent/model/backup.h"
#include "agent/model/backup_schedule.h"
#include "agent/work/work_plant.h"
#include "api/engine.h"

namespace varve::agent {

struct BackupRequest {
  std::string name;  // empty: made with the date
  BackupType type = BackupType::kSnapshot;
  std::vector<std::string> schedule_ids;
  std::string purpose = "manual";
  std::optional<int64_t> expires_ns;
  std::optional<int> level;
};

struct BackupRestoreRequest {
  std::string backup_id;
  std::string target_addon_id;  // empty: the backup's own
  std::string mode = "in-place";
  bool safety_snapshot = true;
};

// What deleting a backup would do.
struct DeletePlan {
  uint64_t bytes_freed = 0;  // at the next GC
  std::string refusal;       // why it may not go; empty: it may
};

class WorkRequests {
 public:
  WorkRequests(const WorkPlant& plant, JobRunner& runner, Random& random);

  // Registers an addon; a snapshot of it as provisioned is accepted when its volume exists.
  Status RegisterAddon(Addon addon);
  // A new addon on a new volume with the content of a backup ("latest": the newest completed).
  // The restore into it.
  Result<RestoreRecord> ForkAddon(Addon addon, const std::string& source_addon_id,
                                  const std::string& backup_id);
  // Refused while jobs are open; backups stay unless told otherwise.
  Status RemoveAddon(const std::string& addon_id, bool delete_backups);

  Result<Backup> StartBackup(const std::string& addon_id, const BackupRequest& request);
  Result<RestoreRecord> StartRestore(const BackupRestoreRequest& request);
  // Back to what it was when registered, or to the fork's source.
  Result<RestoreRecord> StartReset(const std::string& addon_id, const std::string& confirm);
  Result<Job> StartVerify(const std::string& backup_id, const std::string& level);
  Result<Job> StartGc(const std::string& repository);
  Result<Job> StartScrub(const std::string& repository);

  Status AbortBackup(const std::string& backup_id);
  Status AbortRestore(const std::string& restore_id);
  Status Retain(const std::string& backup_id, bool retained);
  Status PutHold(const std::string& backup_id, const std::string& name, const std::string& reason);
  Status RemoveHold(const std::string& backup_id);
  Result<DeletePlan> PlanDelete(const std::string& backup_id);
  Result<Job> StartDelete(const std::string& backup_id);

  Result<BackupSchedule> AddSchedule(const std::string& addon_id, BackupType type,
                                     const ScheduleRule& rule);
  // The only edit there is; existing backups follow.
  Result<BackupSchedule> SetRetention(const std::string& schedule_id, int retention_days);
  Status RemoveSchedule(const std::string& schedule_id);  // its backups' expiry stays as it is

  // A read-only or copy-on-write mount by a process of its own; the path of the volume's file.
  Result<std::string> MountBackup(const std::string& backup_id, bool writable);
  Status UnmountBackup(const std::string& backup_id);
  Result<std::vector<VolumeExtent>> Diff(const std::string& backup_id, const std::string& base_id);

  // Takes every snapshot of a repository that the state does not know into it, with an addon made
  // from the volume's name where there is none. How many.
  Result<uint64_t> Adopt(const std::string& repository);

 private:
  Result<RestoreRecord> AcceptRestore(const Addon& addon, const Backup& backup,
                                      const std::string& purpose, bool safety_snapshot);

  const WorkPlant& plant_;
  JobRunner& runner_;
  Random& random_;
};

}  // namespace varve::agent
