// Time as an interface, so that tests inject it. Nothing in varve decides about safety by a clock
// (G6); clocks label things and measure rates.
#pragma once

#include <cstdint>
#include <string>

namespace varve {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970-01-01 UTC. Thread-safe.
  virtual int64_t NowUnixNs() const = 0;
  // Nanoseconds of a clock that never goes back. Thread-safe.
  virtual int64_t NowMonotonicNs() const = 0;

  static const Clock& System();
};

// "2026-01-31T12:00:00.123Z" (RFC 3339, UTC, milliseconds).
std::string FormatUtc(int64_t unix_ns);

}  // namespace varve
