#include "fuse/failure_log.h"

namespace varve {
namespace {
constexpr int64_t kSilenceNs = 60'000'000'000;
constexpr size_t kRememberedMax = 1024;
}  // namespace

void FailureLog::Note(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    const int64_t now = clock_.NowMonotonicNs();
    const auto written = written_ns_.find(line);
    if (written != written_ns_.end() && now - written->second < kSilenceNs) return;
    if (written_ns_.size() >= kRememberedMax) {
      std::erase_if(written_ns_,
                    [&](const auto& entry) { return now - entry.second >= kSilenceNs; });
      // That many different failures within a minute: what was said says enough.
      if (written_ns_.size() >= kRememberedMax) return;
    }
    written_ns_[line] = now;
  }
  write_(line);
}

}  // namespace varve
