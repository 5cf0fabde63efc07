// Runs accepted jobs: durable queue, one job per addon and one writer per repository at a time, a
// global limit, aborts in every state, recovery after a crash.
//
// Thread-safe. Start() first recovers what was running; then threads take jobs in the order of
// acceptance, passing over those whose addon or repository is at work. Jobs of one addon never
// overtake each other.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/jobs/event_hub.h"
#include "agent/jobs/job_context.h"
#include "agent/jobs/running_job.h"

namespace varve::agent {

class JobRunner {
 public:
  // Borrowed, outliving it. `jobs_at_once` is at least 1.
  JobRunner(StateStore& state, const Clock& clock, unsigned jobs_at_once);
  ~JobRunner();  // as Stop()

  // Before Start(). The body is used by several threads at once.
  void Register(JobKind kind, std::unique_ptr<JobBody> body);
  Status Start();
  // Takes no new jobs, asks running ones to stop and awaits them; they fail, saying so. Jobs that
  // were only scheduled stay accepted for the next start.
  void Stop();

  // Durable when it returns; call within StateStore::Atomically together with the subject's insert,
  // then Wake() outside of it.
  Status Accept(const Job& job);
  void Wake();
  // Scheduled: aborted at once, its subject too. Running: aborting, and the body is told. Aborting:
  // nothing more. Terminal: Busy, naming the status.
  Status Abort(const std::string& job_id);
  // Of a running job.
  std::optional<JobProgress> ProgressOf(const std::string& job_id) const;

  // What happens to jobs and their subjects; other rooms publish theirs here too.
  EventHub& events() { return events_; }

 private:
  void Work();
  // Takes the first job that may run now and runs it; false if there is none.
  Result<bool> RunNext();
  // Null while its addon or its repository is at work.
  std::shared_ptr<RunningJob> Claim(const Job& job);
  void Unclaim(const std::string& job_id);
  // scheduled -> in-progress; false if an abort was faster.
  Result<bool> Begin(const Job& job);
  void Run(RunningJob& running);
  Status Recover(const Job& job);
  // The job's end, and its subject's if the body left that open.
  Status Finish(const Job& job, WorkStatus status, const std::string& error);
  WorkStatus EndOf(const Job& job, const Status& result) const;
  void Tell(const Job& job, WorkStatus status);

  StateStore& state_;
  const Clock& clock_;
  const unsigned jobs_at_once_;
  EventHub events_;
  std::map<JobKind, std::unique_ptr<JobBody>> bodies_;  // constant after Start()
  std::vector<std::thread> threads_;                    // of Start() and Stop() alone

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;    // under mutex_
  uint64_t generation_ = 0;  // under mutex_; of the set of jobs that may run
  std::map<std::string, std::shared_ptr<RunningJob>> running_;  // under mutex_; by job id
};

}  // namespace varve::agent
