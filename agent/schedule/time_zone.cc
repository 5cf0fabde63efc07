#include "agent/schedule/time_zone.h"

#include <date/tz.h>

#include <exception>

namespace varve::agent {

Result<TimeZone> TimeZone::Find(const std::string& name) {
  try {
    return TimeZone(date::locate_zone(name));
  } catch (const std::exception& failure) {
    return InvalidArgument("time zone '" + name + "' is not known: " + failure.what());
  }
}

UtcMinute TimeZone::Resolve(LocalMinute local) const {
  const date::local_time<std::chrono::minutes> wall(local.time_since_epoch());
  const date::local_info info = zone_->get_info(wall);
  // In a gap `first` ends where the clocks jump; everywhere else it holds at this reading (the
  // earlier one of a fold).
  if (info.result == date::local_info::nonexistent) {
    return std::chrono::ceil<std::chrono::minutes>(info.first.end);
  }
  return std::chrono::ceil<std::chrono::minutes>(
      date::sys_seconds(wall.time_since_epoch() - info.first.offset));
}

ZoneSegment TimeZone::SegmentAt(UtcMinute instant) const {
  const date::sys_info info = zone_->get_info(instant);
  return {std::chrono::ceil<std::chrono::minutes>(info.begin),
          std::chrono::ceil<std::chrono::minutes>(info.end),
          std::chrono::floor<std::chrono::minutes>(info.offset)};
}

}  // namespace varve::agent
