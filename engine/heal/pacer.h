// Holds a long read down to a number of bytes per second. One thread.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/progress.h"

namespace varve {

class Pacer {
 public:
  using Sleep = std::function<void(int64_t nanoseconds)>;

  // 0 bytes per second: no limit. The clock is borrowed; `sleep` is the thread's in production.
  Pacer(const Clock& clock, uint64_t bytes_per_second, Sleep sleep = SleepOnThread);

  // After `bytes` more were read: waits until they were due, in small steps, and no longer than the
  // user lets it (progress.cancelled).
  void Spend(uint64_t bytes, const Progress& progress);

  static void SleepOnThread(int64_t nanoseconds);

 private:
  const Clock& clock_;
  const uint64_t bytes_per_second_;
  const Sleep sleep_;
  const int64_t begin_ns_;
  uint64_t bytes_ = 0;
};

}  // namespace varve
