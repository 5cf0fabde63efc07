#include "agent/work/request_steps.h"

#include "agent/model/identifier.h"
#include "agent/work/backup_mount.h"
#include "base/clock.h"

namespace varve::agent {

Job MakeJob(const WorkPlant& plant, Random& random, const JobRequest& request) {
  Job job;
  job.id = NewRecordId(random);
  job.kind = request.kind;
  job.subject_id = request.subject_id;
  job.addon_id = request.addon_id;
  job.repository = request.repository;
  job.parameters = EncodeParameters(request.parameters);
  job.created_ns = plant.clock.NowUnixNs();
  return job;
}

Status AcceptJob(const WorkPlant& plant, JobRunner& runner, const Job& job,
                 const std::function<Status()>& insert) {
  VARVE_RETURN_IF_ERROR(plant.state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(insert());
    return runner.Accept(job);
  }));
  runner.Wake();
  return {};
}

std::string NameWithDate(const std::string& what, int64_t now_ns) {
  // "2026-01-31T12:00:00.123Z"
  const std::string time = FormatUtc(now_ns);
  return what + "-" + time.substr(0, 10) + "-" + time.substr(11, 2) + time.substr(14, 2) +
         time.substr(17, 2);
}

Status CheckNoOpenJobs(StateStore& state, const std::string& addon_id) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<Job> jobs, state.ListOpenJobs());
  for (const Job& job : jobs) {
    if (job.addon_id != addon_id) continue;
    return Busy("addon " + addon_id + " has a " + std::string(JobKindName(job.kind)) + " job " +
                std::string(WorkStatusName(job.status)) + ": " + job.id);
  }
  return {};
}

Result<std::string> UseOf(StateStore& state, const std::string& backup_id) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<Job> jobs, state.ListOpenJobs());
  for (const Job& job : jobs) {
    bool uses = job.subject_id == backup_id;
    if (job.kind == JobKind::kRestore || job.kind == JobKind::kFork) {
      VARVE_ASSIGN_OR_RETURN(const auto restore, state.FindRestore(job.subject_id));
      uses = restore && (restore->backup_id == backup_id || restore->safety_backup_id == backup_id);
    }
    if (uses) return "a " + std::string(JobKindName(job.kind)) + " job is at it: " + job.id;
  }
  VARVE_ASSIGN_OR_RETURN(const auto mounts, state.ListFacts(kMountFact));
  for (const auto& [name, value] : mounts) {
    if (name == backup_id) return std::string("it is mounted");
  }
  return std::string();
}

Result<std::vector<Backup>> AllBackups(StateStore& state, const BackupFilter& filter) {
  std::vector<Backup> all;
  PageRequest request{100, ""};
  do {
    VARVE_ASSIGN_OR_RETURN(Page<Backup> page, state.ListBackups(filter, request));
    for (Backup& backup : page.rows)
      all.push_back(std::move(backup));
    request.cursor = page.next_cursor;
  } while (!request.cursor.empty());
  return all;
}

Status CheckRestorable(const Backup& backup) {
  if (backup.type == BackupType::kDump) {
    return Unsupported("backup " + backup.id + " is a dump; this varve restores snapshots");
  }
  if (backup.status == WorkStatus::kCompleted && !backup.snapshot_id.empty()) return {};
  return Busy("backup " + backup.id + " is " + std::string(WorkStatusName(backup.status)) +
              ", not completed");
}

}  // namespace varve::agent
