// Jobs of the state and the logs of what they work on.
#include <algorithm>

#include "agent/state/database.h"
#include "agent/state/row_values.h"
#include "agent/state/state_store.h"

namespace varve::agent {
namespace {

constexpr char kSelect[] =
    "SELECT number, id, kind, subject_id, addon_id, repository, parameters, status, error, "
    "created_ns, started_ns, finished_ns FROM jobs ";

Result<Job> JobOf(const Statement& row) {
  Job job;
  job.id = row.Text(1);
  VARVE_RETURN_IF_ERROR(DecodeName("kind of job", row.Text(2), JobKindOf, &job.kind));
  job.subject_id = row.Text(3);
  job.addon_id = row.Text(4);
  job.repository = row.Text(5);
  job.parameters = row.Text(6);
  VARVE_RETURN_IF_ERROR(DecodeName("status", row.Text(7), WorkStatusOf, &job.status));
  job.error = row.Text(8);
  job.created_ns = row.Integer(9);
  job.started_ns = row.Integer(10);
  job.finished_ns = row.Integer(11);
  return job;
}

Status Write(Database& database, const std::string& sql, const Job& job) {
  VARVE_ASSIGN_OR_RETURN(Statement write, database.Prepare(sql));
  write.Bind(std::string(JobKindName(job.kind))).Bind(job.subject_id).Bind(job.addon_id);
  write.Bind(job.repository).Bind(job.parameters);
  write.Bind(std::string(WorkStatusName(job.status))).Bind(job.error).Bind(job.created_ns);
  return write.Bind(job.started_ns).Bind(job.finished_ns).Bind(job.id).Run();
}

Result<std::optional<Job>> FindOne(Database& database, const std::string& where,
                                   const std::string& value) {
  VARVE_ASSIGN_OR_RETURN(Statement find, database.Prepare(kSelect + where));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(value).Step());
  if (!found) return std::optional<Job>();
  VARVE_ASSIGN_OR_RETURN(Job job, JobOf(find));
  return std::optional(std::move(job));
}

}  // namespace

Status StateStore::InsertJob(const Job& job) {
  const std::lock_guard lock(mutex_);
  const Status inserted =
      Write(*database_,
            "INSERT INTO jobs(kind, subject_id, addon_id, repository, parameters, status, error, "
            "created_ns, started_ns, finished_ns, id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            job);
  if (inserted.code() == Code::kAlreadyExists) {
    return AlreadyExists("job " + job.id + " exists already");
  }
  return inserted;
}

// In progress to scheduled is a way that only jobs have: to be run again after a crash.
Status StateStore::UpdateJob(const Job& job) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::optional<Job> before, FindJob(job.id));
    if (!before) return NotFound("no job " + job.id);
    const bool again =
        before->status == WorkStatus::kInProgress && job.status == WorkStatus::kScheduled;
    if (before->status != job.status && !again && !MayBecome(before->status, job.status)) {
      return InvalidArgument("job " + job.id + " is " +
                             std::string(WorkStatusName(before->status)) + " and cannot become " +
                             std::string(WorkStatusName(job.status)));
    }
    return Write(*database_,
                 "UPDATE jobs SET kind = ?, subject_id = ?, addon_id = ?, repository = ?, "
                 "parameters = ?, status = ?, error = ?, created_ns = ?, started_ns = ?, "
                 "finished_ns = ? WHERE id = ?",
                 job);
  });
}

Result<std::optional<Job>> StateStore::FindJob(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return FindOne(*database_, "WHERE id = ?", id);
}

Result<std::optional<Job>> StateStore::FindJobOfSubject(const std::string& subject_id) {
  const std::lock_guard lock(mutex_);
  return FindOne(*database_, "WHERE subject_id = ? ORDER BY number DESC LIMIT 1", subject_id);
}

Result<std::vector<Job>> StateStore::ListOpenJobs() {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement list, database_->Prepare(std::string(kSelect) +
                                         "WHERE status IN ('scheduled', 'in-progress', 'aborting') "
                                         "ORDER BY number"));
  std::vector<Job> jobs;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return jobs;
    VARVE_ASSIGN_OR_RETURN(Job job, JobOf(list));
    jobs.push_back(std::move(job));
  }
}

// The latest first; a cursor is the number of the last row.
Result<Page<Job>> StateStore::ListJobs(std::optional<WorkStatus> status, const PageRequest& page) {
  const std::lock_guard lock(mutex_);
  ListCursor cursor{0, INT64_MAX};
  if (!page.cursor.empty()) {
    VARVE_ASSIGN_OR_RETURN(cursor, DecodeCursor(page.cursor));
  }
  const std::string where = status ? "WHERE number < ? AND status = ? " : "WHERE number < ? ";
  VARVE_ASSIGN_OR_RETURN(Statement list,
                         database_->Prepare(kSelect + where + "ORDER BY number DESC LIMIT ?"));
  list.Bind(cursor.number);
  if (status) list.Bind(std::string(WorkStatusName(*status)));
  list.Bind(int64_t{page.limit} + 1);
  Page<Job> jobs;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return jobs;
    if (jobs.rows.size() == page.limit) {
      jobs.next_cursor = EncodeCursor(cursor);
      return jobs;
    }
    VARVE_ASSIGN_OR_RETURN(Job job, JobOf(list));
    cursor.number = list.Integer(0);
    jobs.rows.push_back(std::move(job));
  }
}

Result<LogLine> StateStore::AppendLog(const std::string& subject_id, int64_t at_ns,
                                      const std::string& level, const std::string& text) {
  const std::lock_guard lock(mutex_);
  LogLine line{.number = 0, .at_ns = at_ns, .level = level, .text = text};
  const Status appended = database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(
        Statement append,
        database_->Prepare("INSERT INTO log_lines(subject_id, number, at_ns, level, text) "
                           "SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM log_lines "
                           "WHERE subject_id = ?1 RETURNING number"));
    VARVE_RETURN_IF_ERROR(append.Bind(subject_id).Bind(at_ns).Bind(level).Bind(text).Run());
    line.number = static_cast<uint64_t>(append.Integer(0));
    VARVE_RETURN_IF_ERROR(append.Run());
    VARVE_ASSIGN_OR_RETURN(
        Statement touch,
        database_->Prepare("INSERT OR REPLACE INTO logs(subject_id, last_at_ns) VALUES(?, ?)"));
    return touch.Bind(subject_id).Bind(at_ns).Run();
  });
  if (!appended.ok()) return appended;
  return line;
}

Result<std::vector<LogLine>> StateStore::ReadLog(const std::string& subject_id,
                                                 const LogFilter& filter) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement read,
      database_->Prepare(
          std::string("SELECT number, at_ns, level, text FROM log_lines WHERE subject_id = ? AND "
                      "number > ? AND at_ns >= ? AND at_ns <= ? AND (?5 = '' OR instr(text, ?5) "
                      "> 0) ORDER BY number ") +
          (filter.newest_first ? "DESC" : "ASC") + " LIMIT ?6"));
  read.Bind(subject_id).Bind(static_cast<int64_t>(filter.after_number));
  read.Bind(filter.from_ns.value_or(INT64_MIN)).Bind(filter.until_ns.value_or(INT64_MAX));
  read.Bind(filter.contains).Bind(int64_t{filter.limit});
  std::vector<LogLine> lines;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) return lines;
    lines.push_back({.number = static_cast<uint64_t>(read.Integer(0)),
                     .at_ns = read.Integer(1),
                     .level = read.Text(2),
                     .text = read.Text(3)});
  }
}

}  // namespace varve::agent
