#include "agent/jobs/job_runner.h"

#include <chrono>
#include <cstdio>
#include <set>

#include "agent/jobs/job_subject.h"

namespace varve::agent {
namespace {

// How long a thread without work waits at most before it looks again: a state that could not be
// read has nobody else to wake it.
constexpr std::chrono::seconds kLookAgain{5};

constexpr const char* kStopped = "the agent was stopped while it ran";
constexpr const char* kCrashed = "the agent ended while it ran";

std::string ErrorOf(const Status& status) {
  return status.ok() ? std::string() : status.message();
}

}  // namespace

JobRunner::JobRunner(StateStore& state, const Clock& clock, unsigned jobs_at_once)
    : state_(state), clock_(clock), jobs_at_once_(jobs_at_once) {
  VARVE_CHECK(jobs_at_once > 0);
}

JobRunner::~JobRunner() {
  Stop();
}

void JobRunner::Register(JobKind kind, std::unique_ptr<JobBody> body) {
  bodies_[kind] = std::move(body);
}

Status JobRunner::Start() {
  VARVE_ASSIGN_OR_RETURN(const std::vector<Job> open, state_.ListOpenJobs());
  for (const Job& job : open) {
    if (job.status != WorkStatus::kScheduled) VARVE_RETURN_IF_ERROR(Recover(job));
  }
  for (unsigned i = 0; i < jobs_at_once_; ++i)
    threads_.emplace_back([this] { Work(); });
  return {};
}

void JobRunner::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, running] : running_)
      running->progress().cancelled = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

Status JobRunner::Accept(const Job& job) {
  VARVE_CHECK(job.status == WorkStatus::kScheduled && bodies_.contains(job.kind));
  return state_.InsertJob(job);
}

void JobRunner::Wake() {
  {
    const std::lock_guard lock(mutex_);
    ++generation_;
  }
  changed_.notify_all();
}

Status JobRunner::Abort(const std::string& job_id) {
  Job job;
  WorkStatus next = WorkStatus::kAborted;
  VARVE_RETURN_IF_ERROR(state_.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::optional<Job> found, state_.FindJob(job_id));
    if (!found) return NotFound("job " + job_id);
    job = *found;
    if (IsTerminal(job.status)) {
      return Busy("job " + job_id + " is " + std::string(WorkStatusName(job.status)) +
                  ": there is nothing to abort");
    }
    if (job.status != WorkStatus::kScheduled) next = WorkStatus::kAborting;
    if (job.status == next) return {};
    job.status = next;
    if (IsTerminal(next)) job.finished_ns = clock_.NowUnixNs();
    VARVE_RETURN_IF_ERROR(state_.UpdateJob(job));
    // A subject that is not in progress yet learns it from its body's end.
    VARVE_ASSIGN_OR_RETURN(const std::optional<WorkStatus> subject, SubjectStatus(state_, job));
    if (!subject || !MayBecome(*subject, next)) return {};
    VARVE_ASSIGN_OR_RETURN([[maybe_unused]] const bool changed,
                           SettleSubject(state_, job, next, "", clock_.NowUnixNs()));
    return {};
  }));
  {
    const std::lock_guard lock(mutex_);
    if (const auto running = running_.find(job_id); running != running_.end()) {
      running->second->progress().cancelled = true;
    }
  }
  Tell(job, next);
  return {};
}

std::optional<JobProgress> JobRunner::ProgressOf(const std::string& job_id) const {
  std::shared_ptr<RunningJob> running;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(job_id);
    if (found == running_.end()) return std::nullopt;
    running = found->second;
  }
  return running->Now();
}

void JobRunner::Work() {
  uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_) return;
      seen = generation_;
    }
    const Result<bool> ran = RunNext();
    if (!ran.ok()) std::fprintf(stderr, "varved: jobs: %s\n", ran.status().message().c_str());
    if (ran.ok() && *ran) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLookAgain, [&] { return stopping_ || generation_ != seen; });
  }
}

Result<bool> JobRunner::RunNext() {
  VARVE_ASSIGN_OR_RETURN(const std::vector<Job> open, state_.ListOpenJobs());
  std::set<std::string> passed_over;  // addons
  for (const Job& job : open) {
    if (job.status != WorkStatus::kScheduled || passed_over.contains(job.addon_id)) continue;
    const std::shared_ptr<RunningJob> running = Claim(job);
    if (!running) {
      if (!job.addon_id.empty()) passed_over.insert(job.addon_id);
      continue;
    }
    const Result<bool> begun = Begin(job);
    if (begun.ok() && *begun) Run(*running);
    Unclaim(job.id);
    if (!begun.ok()) return begun.status();
    Wake();
    return true;
  }
  return false;
}

std::shared_ptr<RunningJob> JobRunner::Claim(const Job& job) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || running_.contains(job.id)) return nullptr;
  for (const auto& [id, other] : running_) {
    const Job& at_work = other->job();
    if (!job.addon_id.empty() && job.addon_id == at_work.addon_id) return nullptr;
    if (!job.repository.empty() && job.repository == at_work.repository) return nullptr;
  }
  auto running = std::make_shared<RunningJob>(job, state_, clock_, events_);
  running_.emplace(job.id, running);
  return running;
}

void JobRunner::Unclaim(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  running_.erase(job_id);
}

Result<bool> JobRunner::Begin(const Job& job) {
  bool begun = false;
  const Status status = state_.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(std::optional<Job> now, state_.FindJob(job.id));
    if (!now || now->status != WorkStatus::kScheduled) return {};
    now->status = WorkStatus::kInProgress;
    now->started_ns = clock_.NowUnixNs();
    begun = true;
    return state_.UpdateJob(*now);
  });
  if (!status.ok()) return status;
  if (begun) Tell(job, WorkStatus::kInProgress);
  return begun;
}

void JobRunner::Run(RunningJob& running) {
  const Job& job = running.job();
  const Status result = bodies_.at(job.kind)->Run(running);
  const WorkStatus end = EndOf(job, result);
  std::string error = ErrorOf(result);
  if (end == WorkStatus::kAborted) error.clear();
  if (end == WorkStatus::kFailed && result.code() == Code::kCancelled) error = kStopped;
  if (end == WorkStatus::kFailed) running.Log("error", error);
  if (end == WorkStatus::kAborted) running.Log("warning", "aborted");
  const Status finished = Finish(job, end, error);
  // The job stays in progress in the state, and the next start recovers it.
  if (!finished.ok()) {
    std::fprintf(stderr, "varved: job %s ended, but that could not be kept: %s\n", job.id.c_str(),
                 finished.message().c_str());
  }
}

WorkStatus JobRunner::EndOf(const Job& job, const Status& result) const {
  if (result.ok()) return WorkStatus::kCompleted;
  if (result.code() != Code::kCancelled) return WorkStatus::kFailed;
  const Result<std::optional<Job>> now = state_.FindJob(job.id);
  const bool asked = now.ok() && *now && (**now).status == WorkStatus::kAborting;
  return asked ? WorkStatus::kAborted : WorkStatus::kFailed;
}

Status JobRunner::Finish(const Job& job, WorkStatus status, const std::string& error) {
  VARVE_RETURN_IF_ERROR(state_.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(std::optional<Job> now, state_.FindJob(job.id));
    if (!now) return NotFound("job " + job.id);
    for (const WorkStatus step : WayTo(now->status, status)) {
      now->status = step;
      now->error = error;
      if (IsTerminal(step)) now->finished_ns = clock_.NowUnixNs();
      VARVE_RETURN_IF_ERROR(state_.UpdateJob(*now));
    }
    VARVE_ASSIGN_OR_RETURN([[maybe_unused]] const bool changed,
                           SettleSubject(state_, job, status, error, clock_.NowUnixNs()));
    return {};
  }));
  Tell(job, status);
  return {};
}

Status JobRunner::Recover(const Job& job) {
  const auto body = bodies_.find(job.kind);
  RunningJob running(job, state_, clock_, events_);
  running.Log("warning", kCrashed);
  const Status undone = body == bodies_.end()
                            ? Unsupported("a job of kind " + std::string(JobKindName(job.kind)))
                            : body->second->Recover(running);
  if (!undone.ok()) running.Log("error", "undoing what was half done: " + undone.message());
  // The body knows best how the subject ended: a snapshot may have been committed.
  VARVE_ASSIGN_OR_RETURN(const std::optional<WorkStatus> subject, SubjectStatus(state_, job));
  if (subject && IsTerminal(*subject)) return Finish(job, *subject, ErrorOf(undone));
  const WorkStatus end =
      job.status == WorkStatus::kAborting ? WorkStatus::kAborted : WorkStatus::kFailed;
  return Finish(job, end, undone.ok() ? kCrashed : undone.message());
}

void JobRunner::Tell(const Job& job, WorkStatus status) {
  const std::string name(WorkStatusName(status));
  events_.Publish({0, "job", job.id, job.addon_id, name});
  if (const char* const type = SubjectTypeOf(job.kind)) {
    events_.Publish({0, type, job.subject_id, job.addon_id, name});
  }
}

}  // namespace varve::agent
