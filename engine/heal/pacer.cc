#include "heal/pacer.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace varve {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kStepNs = kNsPerSecond / 10;

}  // namespace

Pacer::Pacer(const Clock& clock, uint64_t bytes_per_second, Sleep sleep)
    : clock_(clock),
      bytes_per_second_(bytes_per_second),
      sleep_(std::move(sleep)),
      begin_ns_(clock.NowMonotonicNs()) {}

void Pacer::SleepOnThread(int64_t nanoseconds) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(nanoseconds));
}

void Pacer::Spend(uint64_t bytes, const Progress& progress) {
  bytes_ += bytes;
  if (bytes_per_second_ == 0) return;
  const double due_s = static_cast<double>(bytes_) / static_cast<double>(bytes_per_second_);
  const int64_t due_ns = begin_ns_ + static_cast<int64_t>(due_s * kNsPerSecond);
  while (!progress.cancelled) {
    const int64_t left_ns = due_ns - clock_.NowMonotonicNs();
    if (left_ns <= 0) return;
    sleep_(std::min(left_ns, kStepNs));
  }
}

}  // namespace varve
