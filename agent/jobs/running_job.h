// A job while its body runs: what the body sees and says, and what others see of it.
//
// Thread-safe: the body's thread writes, any thread reads.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "agent/jobs/event_hub.h"
#include "agent/jobs/job_context.h"

namespace varve::agent {

// How far a running job is. The rate is that of the phase it is in.
struct JobProgress {
  std::string phase;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
  double bytes_per_second = 0;
  std::optional<double> seconds_remaining;
};

class RunningJob final : public JobContext {
 public:
  // All borrowed, outliving it.
  RunningJob(Job job, StateStore& state, const Clock& clock, EventHub& events)
      : job_(std::move(job)), state_(state), clock_(clock), events_(events) {}

  const Job& job() const override { return job_; }
  StateStore& state() override { return state_; }
  const Clock& clock() const override { return clock_; }
  Progress& progress() override { return progress_; }
  void EnterPhase(const std::string& phase) override;
  void Log(const std::string& level, const std::string& text) override;

  JobProgress Now() const;

 private:
  const Job job_;
  StateStore& state_;
  const Clock& clock_;
  EventHub& events_;
  Progress progress_;
  mutable std::mutex mutex_;
  std::string phase_;               // under mutex_
  int64_t phase_begin_ns_ = 0;      // under mutex_; monotonic
  uint64_t phase_begin_bytes_ = 0;  // under mutex_
};

}  // namespace varve::agent
