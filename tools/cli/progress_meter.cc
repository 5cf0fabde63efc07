#include "progress_meter.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "human_units.h"

namespace varve::cli {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(250);

std::string ProgressText(uint64_t done, uint64_t total, double seconds) {
  done = std::min(done, total);
  const double rate = static_cast<double>(done) / seconds;
  std::string text = std::to_string(static_cast<unsigned>(100.0 * static_cast<double>(done) /
                                                          static_cast<double>(total))) +
                     " %  " + HumanSize(done) + " of " + HumanSize(total) + "  " +
                     HumanSize(static_cast<uint64_t>(rate)) + "/s";
  if (done > 0) text += "  " + HumanDuration(static_cast<double>(total - done) / rate) + " left";
  return text;
}

}  // namespace

ProgressMeter::ProgressMeter(const Progress& progress, Console& console)
    : progress_(progress), console_(console) {
  if (isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { Draw(); });
}

ProgressMeter::~ProgressMeter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
  console_.ShowProgress("");
}

void ProgressMeter::Draw() {
  const int64_t begin_ns = Clock::System().NowMonotonicNs();
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kRedraw, [this] { return stop_; })) {
    const uint64_t total = progress_.bytes_total;
    if (total == 0) continue;
    const double seconds = static_cast<double>(Clock::System().NowMonotonicNs() - begin_ns) / 1e9;
    console_.ShowProgress(ProgressText(progress_.bytes_done, total, seconds));
  }
}

}  // namespace varve::cli
