#include "base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace varve {
namespace {

int64_t ReadClock(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class SystemClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return ReadClock(CLOCK_REALTIME); }
  int64_t NowMonotonicNs() const override { return ReadClock(CLOCK_MONOTONIC); }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

std::string FormatUtc(int64_t unix_ns) {
  int64_t seconds = unix_ns / 1'000'000'000;
  int64_t rest_ns = unix_ns % 1'000'000'000;
  if (rest_ns < 0) {
    rest_ns += 1'000'000'000;
    --seconds;
  }
  const time_t time = seconds;
  tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>(rest_ns / 1'000'000));
  return text.data();
}

}  // namespace varve
