// Runs accepted jobs: durable queue, one job per addon and one writer per repository at a time, a
// global limit, aborts in every state, recovery after a crash.
//
// Thread-safe. Start() first recovers what was running; then threads take jobs in the order of
// acceptance, passing over those whose addon or repository is at work.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/jobs/job_context.h"

namespace varve::agent {

// How far a running job is.
struct JobProgress {
  std::string phase;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
  double bytes_per_second = 0;
  std::optional<double> seconds_remaining;
};

// Something that happened, for followers: "job" with a job's id, "backup", "restore", "log".
struct Event {
  uint64_t number = 0;  // ascending from 1 since the agent's start
  std::string type;
  std::string subject_id;
  std::string addon_id;
  std::string text;  // of a log line, or the new status
};

class JobRunner {
 public:
  JobRunner(StateStore& state, const Clock& clock, unsigned jobs_at_once);
  ~JobRunner();  // as Stop()

  // Before Start(). The body is used by several threads at once.
  void Register(JobKind kind, std::unique_ptr<JobBody> body);
  Status Start();
  // Takes no new jobs, asks running ones to stop and awaits them. Jobs that were only scheduled
  // stay accepted for the next start.
  void Stop();

  // Durable when it returns; call within StateStore::Atomically together with the subject's insert,
  // then Wake() outside of it.
  Status Accept(const Job& job);
  void Wake();
  // Scheduled: aborted at once. Running: aborting, and the body is told. Terminal: Busy ("409").
  Status Abort(const std::string& job_id);
  std::optional<JobProgress> ProgressOf(const std::string& job_id) const;

  // Followers get every event after they came, in order, on the thread that made it; must be quick.
  // The number to stop following with.
  uint64_t Follow(std::function<void(const Event&)> follower);
  void Unfollow(uint64_t number);
  // Tells followers of what other rooms did.
  void Publish(Event event);

 private:
  class Queue;
  std::unique_ptr<Queue> queue_;
};

}  // namespace varve::agent
