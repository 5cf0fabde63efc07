#include "agent/jobs/running_job.h"

#include <algorithm>
#include <cstdio>

namespace varve::agent {

void RunningJob::EnterPhase(const std::string& phase) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    phase_begin_ns_ = clock_.NowMonotonicNs();
    phase_begin_bytes_ = progress_.bytes_done;
  }
  events_.Publish({0, "phase", job_.id, job_.addon_id, phase});
}

void RunningJob::Log(const std::string& level, const std::string& text) {
  const Result<LogLine> kept = state_.AppendLog(job_.subject_id, clock_.NowUnixNs(), level, text);
  // The job goes on without its log rather than fail for it; followers see the line and the reason.
  if (!kept.ok()) {
    std::fprintf(stderr, "varved: log of %s: %s: %s\n", job_.subject_id.c_str(), text.c_str(),
                 kept.status().message().c_str());
  }
  events_.Publish({0, "log", job_.subject_id, job_.addon_id, level + ": " + text});
}

JobProgress RunningJob::Now() const {
  const std::lock_guard lock(mutex_);
  JobProgress now{phase_, progress_.bytes_done, progress_.bytes_total, 0, std::nullopt};
  const double seconds =
      static_cast<double>(clock_.NowMonotonicNs() - phase_begin_ns_) / 1'000'000'000;
  // A phase that counts anew begins below where the one before it ended.
  const uint64_t begin = std::min(phase_begin_bytes_, now.bytes_done);
  if (seconds > 0) now.bytes_per_second = static_cast<double>(now.bytes_done - begin) / seconds;
  if (now.bytes_per_second > 0 && now.bytes_total >= now.bytes_done) {
    now.seconds_remaining =
        static_cast<double>(now.bytes_total - now.bytes_done) / now.bytes_per_second;
  }
  return now;
}

}  // namespace varve::agent
