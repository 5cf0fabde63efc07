#include "agent/schedule/schedule_rule.h"

#include <algorithm>

#include "agent/schedule/time_zone.h"

namespace varve::agent {
namespace {

constexpr std::chrono::minutes kWeek = std::chrono::weeks(1);

Status CheckList(const std::string& field, const std::vector<int>& values, int value_max) {
  if (values.empty()) return InvalidArgument(field + " names no value; at least one is needed");
  for (const int value : values) {
    if (value < 0 || value > value_max) {
      return InvalidArgument(field + " " + std::to_string(value) + " is not from 0 to " +
                             std::to_string(value_max));
    }
  }
  return {};
}

Status CheckAbsent(const std::string& field, const std::vector<int>& values,
                   const std::string& interval) {
  if (values.empty()) return {};
  return InvalidArgument("an " + interval + " schedule has no " + field);
}

void SortUnique(std::vector<int>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

std::vector<int> UpTo(int count) {
  std::vector<int> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] = i;
  return values;
}

}  // namespace

int RetentionDaysMax(Interval interval) {
  switch (interval) {
    case Interval::kHourly:
      return 7;
    case Interval::kDaily:
      return 60;
    case Interval::kWeekly:
      return 120;
  }
  VARVE_CHECK(false);
}

Status CheckRule(const ScheduleRule& rule) {
  VARVE_RETURN_IF_ERROR(CheckList("minute", rule.minutes, 59));
  switch (rule.interval) {
    case Interval::kHourly:
      VARVE_RETURN_IF_ERROR(CheckAbsent("hour", rule.hours, "hourly"));
      VARVE_RETURN_IF_ERROR(CheckAbsent("day", rule.days, "hourly"));
      break;
    case Interval::kDaily:
      VARVE_RETURN_IF_ERROR(CheckList("hour", rule.hours, 23));
      if (!rule.days.empty()) return InvalidArgument("a daily schedule has no day");
      break;
    case Interval::kWeekly:
      VARVE_RETURN_IF_ERROR(CheckList("hour", rule.hours, 23));
      VARVE_RETURN_IF_ERROR(CheckList("day", rule.days, 6));
      break;
  }
  VARVE_RETURN_IF_ERROR(TimeZone::Find(rule.zone).status());
  const int days_max = RetentionDaysMax(rule.interval);
  if (rule.retention_days < 1 || rule.retention_days > days_max) {
    return InvalidArgument("retention of " + std::to_string(rule.retention_days) +
                           " days is not from 1 to " + std::to_string(days_max));
  }
  const uint64_t runs = RunsInRetention(rule);
  if (runs > kScheduledBackupsMax) {
    return InvalidArgument("the schedule makes " + std::to_string(runs) + " backups in " +
                           std::to_string(rule.retention_days) + " days of retention, at most " +
                           std::to_string(kScheduledBackupsMax) + " may exist at once");
  }
  return {};
}

ScheduleRule Normalized(ScheduleRule rule) {
  SortUnique(&rule.minutes);
  SortUnique(&rule.hours);
  SortUnique(&rule.days);
  return rule;
}

std::vector<std::chrono::minutes> WeekPattern(const ScheduleRule& rule) {
  const ScheduleRule sorted = Normalized(rule);
  const std::vector<int> days = rule.interval == Interval::kWeekly ? sorted.days : UpTo(7);
  const std::vector<int> hours = rule.interval == Interval::kHourly ? UpTo(24) : sorted.hours;
  std::vector<std::chrono::minutes> pattern;
  for (const int day : days) {
    for (const int hour : hours) {
      for (const int minute : sorted.minutes) {
        pattern.push_back(std::chrono::days(day) + std::chrono::hours(hour) +
                          std::chrono::minutes(minute));
      }
    }
  }
  return pattern;
}

uint64_t RunsInRetention(const ScheduleRule& rule) {
  std::vector<std::chrono::minutes> runs = WeekPattern(rule);
  const size_t per_week = runs.size();
  for (size_t i = 0; i < per_week; ++i)
    runs.push_back(runs[i] + kWeek);
  const uint64_t whole_weeks = static_cast<uint64_t>(rule.retention_days) / 7;
  const std::chrono::minutes rest = std::chrono::days(rule.retention_days % 7);
  uint64_t best = 0;
  size_t end = 0;
  for (size_t begin = 0; begin < per_week; ++begin) {
    while (end < runs.size() && runs[end] < runs[begin] + rest)
      ++end;
    best = std::max<uint64_t>(best, end - std::min(begin, end));
  }
  return whole_weeks * per_week + best;
}

}  // namespace varve::agent
