#include "agent/schedule/occurrences.h"

#include <algorithm>

namespace varve::agent {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

// Every hour of local time that touches a segment of one offset, cut to the segment.
void AddHourly(const ScheduleRule& rule, const TimeZone& zone, UtcMinute from, UtcMinute to,
               std::vector<UtcMinute>* runs) {
  for (UtcMinute begin = from; begin < to;) {
    const ZoneSegment segment = zone.SegmentAt(begin);
    const UtcMinute end = std::min(segment.end, to);
    const auto local_begin = LocalMinute((begin + segment.offset).time_since_epoch());
    for (LocalMinute hour = std::chrono::floor<hours>(local_begin);; hour += hours(1)) {
      const UtcMinute hour_utc(hour.time_since_epoch() - segment.offset);
      if (hour_utc >= end) break;
      for (const int minute : rule.minutes) {
        const UtcMinute run = hour_utc + minutes(minute);
        if (run >= begin && run < end) runs->push_back(run);
      }
    }
    begin = end;
  }
}

void AddOfDay(const ScheduleRule& rule, const TimeZone& zone, std::chrono::local_days day,
              std::vector<UtcMinute>* runs) {
  for (const int hour : rule.hours) {
    for (const int minute : rule.minutes) {
      runs->push_back(zone.Resolve(LocalMinute(day) + hours(hour) + minutes(minute)));
    }
  }
}

bool RunsOn(const ScheduleRule& rule, std::chrono::local_days day) {
  if (rule.interval != Interval::kWeekly) return true;
  const int weekday = static_cast<int>(std::chrono::weekday(day).iso_encoding()) - 1;
  return std::find(rule.days.begin(), rule.days.end(), weekday) != rule.days.end();
}

// Offsets are below a day, so the local days around the stretch hold all its slots; a gap can move
// a slot by a day at most.
void AddByDay(const ScheduleRule& rule, const TimeZone& zone, UtcMinute from, UtcMinute to,
              std::vector<UtcMinute>* runs) {
  const auto local_day = [](UtcMinute instant) {
    return std::chrono::local_days(std::chrono::floor<days>(instant).time_since_epoch());
  };
  for (auto day = local_day(from) - days(2); day <= local_day(to) + days(2); day += days(1)) {
    if (RunsOn(rule, day)) AddOfDay(rule, zone, day, runs);
  }
}

}  // namespace

Result<std::vector<UtcMinute>> Occurrences(const ScheduleRule& rule, UtcMinute from, UtcMinute to) {
  if (to - from > kOccurrencesSpanMax) {
    return InvalidArgument("a stretch of " + std::to_string((to - from) / days(1)) +
                           " days is longer than " + std::to_string(kOccurrencesSpanMax.count()));
  }
  VARVE_ASSIGN_OR_RETURN(const TimeZone zone, TimeZone::Find(rule.zone));
  std::vector<UtcMinute> runs;
  const auto add = rule.interval == Interval::kHourly ? AddHourly : AddByDay;
  add(rule, zone, from, to, &runs);
  std::erase_if(runs, [&](UtcMinute run) { return run < from || run >= to; });
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

Result<DueSlots> FindDueSlots(const ScheduleRule& rule, UtcMinute considered_until, UtcMinute now) {
  DueSlots due;
  due.considered_until = considered_until;
  const UtcMinute end = now + minutes(1);
  if (end <= considered_until) return due;
  const UtcMinute from = std::max<UtcMinute>(considered_until, end - kOccurrencesSpanMax);
  VARVE_ASSIGN_OR_RETURN(const std::vector<UtcMinute> slots, Occurrences(rule, from, end));
  due.considered_until = end;
  if (slots.empty()) return due;
  due.run = slots.back();
  due.missed = slots.size() - 1;
  return due;
}

}  // namespace varve::agent
