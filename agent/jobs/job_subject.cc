#include "agent/jobs/job_subject.h"

#include <vector>

namespace varve::agent {
namespace {

// Both kinds of records have status, error, started_ns and finished_ns.
template <typename Record>
Result<bool> Settle(Record record, WorkStatus status, const std::string& error, int64_t now_ns,
                    const std::function<Status(const Record&)>& update) {
  const std::vector<WorkStatus> way = WayTo(record.status, status);
  for (const WorkStatus step : way) {
    record.status = step;
    if (step == WorkStatus::kInProgress) record.started_ns = now_ns;
    if (IsTerminal(step)) record.finished_ns = now_ns;
    if (IsTerminal(step) && !error.empty()) record.error = error;
    VARVE_RETURN_IF_ERROR(update(record));
  }
  return !way.empty();
}

}  // namespace

const char* SubjectTypeOf(JobKind kind) {
  switch (kind) {
    case JobKind::kBackup:
      return "backup";
    case JobKind::kRestore:
    case JobKind::kFork:
      return "restore";
    case JobKind::kVerify:
    case JobKind::kDelete:
    case JobKind::kGc:
    case JobKind::kScrub:
      break;
  }
  return nullptr;
}

Result<std::optional<WorkStatus>> SubjectStatus(StateStore& state, const Job& job) {
  if (SubjectTypeOf(job.kind) == nullptr) return std::optional<WorkStatus>();
  if (job.kind == JobKind::kBackup) {
    VARVE_ASSIGN_OR_RETURN(const std::optional<Backup> backup, state.FindBackup(job.subject_id));
    return backup ? std::optional(backup->status) : std::nullopt;
  }
  VARVE_ASSIGN_OR_RETURN(const std::optional<RestoreRecord> restore,
                         state.FindRestore(job.subject_id));
  return restore ? std::optional(restore->status) : std::nullopt;
}

Result<bool> SettleSubject(StateStore& state, const Job& job, WorkStatus status,
                           const std::string& error, int64_t now_ns) {
  if (SubjectTypeOf(job.kind) == nullptr) return false;
  bool changed = false;
  const Status settled = state.Atomically([&]() -> Status {
    if (job.kind == JobKind::kBackup) {
      VARVE_ASSIGN_OR_RETURN(const std::optional<Backup> backup, state.FindBackup(job.subject_id));
      if (!backup) return {};
      VARVE_ASSIGN_OR_RETURN(
          changed, Settle<Backup>(*backup, status, error, now_ns,
                                  [&](const Backup& next) { return state.UpdateBackup(next); }));
      return {};
    }
    VARVE_ASSIGN_OR_RETURN(const std::optional<RestoreRecord> restore,
                           state.FindRestore(job.subject_id));
    if (!restore) return {};
    VARVE_ASSIGN_OR_RETURN(changed, Settle<RestoreRecord>(*restore, status, error, now_ns,
                                                          [&](const RestoreRecord& next) {
                                                            return state.UpdateRestore(next);
                                                          }));
    return {};
  });
  if (!settled.ok()) return settled;
  return changed;
}

std::vector<WorkStatus> WayTo(WorkStatus from, WorkStatus to) {
  if (from == to) return {};
  if (MayBecome(from, to)) return {to};
  for (const WorkStatus between : {WorkStatus::kInProgress, WorkStatus::kAborting}) {
    if (MayBecome(from, between) && MayBecome(between, to)) return {between, to};
  }
  return {};
}

}  // namespace varve::agent
