// What requests do all alike: jobs of their own, what is in use, names made with the date.
// Thread-safe: functions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/work/job_parameters.h"
#include "agent/work/work_steps.h"

namespace varve::agent {

struct JobRequest {
  JobKind kind = JobKind::kBackup;
  std::string subject_id;
  std::string addon_id;
  std::string repository;
  JobParameters parameters;
};

// A new job, scheduled.
Job MakeJob(const WorkPlant& plant, Random& random, const JobRequest& request);

// Writes the records by `insert` and accepts the job in one transaction, then wakes the runner.
Status AcceptJob(const WorkPlant& plant, JobRunner& runner, const Job& job,
                 const std::function<Status()>& insert);

// "backup-2026-01-31-120000".
std::string NameWithDate(const std::string& what, int64_t now_ns);

// Busy, naming the job, if a job of the addon is open.
Status CheckNoOpenJobs(StateStore& state, const std::string& addon_id);
// Why the backup is in use: a job at it, a restore from it, a mount; empty: it is not.
Result<std::string> UseOf(StateStore& state, const std::string& backup_id);

// Every row of a list, page by page.
Result<std::vector<Backup>> AllBackups(StateStore& state, const BackupFilter& filter);

// Busy unless it is completed; Unsupported for dumps.
Status CheckRestorable(const Backup& backup);

}  // namespace varve::agent
