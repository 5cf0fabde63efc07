// Civil time of one IANA zone, from the system's time zone database.
//
// Times are whole minutes: a schedule knows no smaller unit. Immutable, thread-safe, cheap to copy.
#pragma once

#include <chrono>
#include <string>

#include "base/status.h"

namespace date {
class time_zone;
}

namespace varve::agent {

using UtcMinute = std::chrono::sys_time<std::chrono::minutes>;
// A reading of a clock on the wall of the zone; not every one exists, and some exist twice.
using LocalMinute = std::chrono::local_time<std::chrono::minutes>;

// A stretch of time with one offset from UTC.
struct ZoneSegment {
  UtcMinute begin;
  UtcMinute end;                // exclusive
  std::chrono::minutes offset;  // local = UTC + offset
};

class TimeZone {
 public:
  // InvalidArgument for a name that the database does not have, Io if there is no database.
  static Result<TimeZone> Find(const std::string& name);

  // The instant at which a slot of that wall clock time runs: the time itself; the first of the two
  // where clocks go back over it (a fold); the end of the gap where they jump over it.
  UtcMinute Resolve(LocalMinute local) const;
  ZoneSegment SegmentAt(UtcMinute instant) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;  // owned by the database, which lives as long as the process
};

}  // namespace varve::agent
