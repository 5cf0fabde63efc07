// Requests about schedules.
#include <algorithm>

#include "agent/model/identifier.h"
#include "agent/work/request_steps.h"
#include "agent/work/work_requests.h"

namespace varve::agent {
namespace {

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

UtcMinute MinuteOf(int64_t unix_ns) {
  return UtcMinute(std::chrono::floor<std::chrono::minutes>(std::chrono::nanoseconds(unix_ns)));
}

// When the backup expires by its schedules: the longest of them. One that was deleted has left
// what it gave.
int64_t ExpiryOf(const Backup& backup, const std::vector<BackupSchedule>& schedules) {
  int64_t expires_ns = 0;
  size_t alive = 0;
  for (const BackupSchedule& schedule : schedules) {
    if (std::find(backup.schedule_ids.begin(), backup.schedule_ids.end(), schedule.id) ==
        backup.schedule_ids.end()) {
      continue;
    }
    ++alive;
    expires_ns = std::max(expires_ns, backup.created_ns + schedule.rule.retention_days * kDayNs);
  }
  if (alive < backup.schedule_ids.size()) {
    expires_ns = std::max(expires_ns, backup.expires_ns.value_or(0));
  }
  return expires_ns;
}

}  // namespace

Result<BackupSchedule> WorkRequests::AddSchedule(const std::string& addon_id, BackupType type,
                                                 const ScheduleRule& rule) {
  VARVE_RETURN_IF_ERROR(CheckRule(rule));
  BackupSchedule schedule;
  schedule.id = NewRecordId(random_);
  schedule.addon_id = addon_id;
  schedule.type = type;
  schedule.rule = Normalized(rule);
  schedule.created_ns = plant_.clock.NowUnixNs();
  // The minute that runs now is none of its slots: nobody asked for it before.
  schedule.considered_until = MinuteOf(schedule.created_ns) + std::chrono::minutes(1);
  VARVE_RETURN_IF_ERROR(plant_.state.Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(GetAddon(plant_.state, addon_id).status());
    VARVE_ASSIGN_OR_RETURN(const auto others, plant_.state.ListSchedules(addon_id));
    for (const BackupSchedule& other : others) {
      if (other.rule.interval == rule.interval) {
        return Busy("addon " + addon_id + " has a schedule of that interval already: " + other.id);
      }
    }
    return plant_.state.InsertSchedule(schedule);
  }));
  return schedule;
}

Result<BackupSchedule> WorkRequests::SetRetention(const std::string& schedule_id,
                                                  int retention_days) {
  StateStore& state = plant_.state;
  BackupSchedule schedule;
  VARVE_RETURN_IF_ERROR(state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const auto found, state.FindSchedule(schedule_id));
    if (!found) return NotFound("no schedule " + schedule_id);
    schedule = *found;
    schedule.rule.retention_days = retention_days;
    VARVE_RETURN_IF_ERROR(CheckRule(schedule.rule));
    VARVE_RETURN_IF_ERROR(state.UpdateSchedule(schedule));
    VARVE_ASSIGN_OR_RETURN(const auto schedules, state.ListSchedules(schedule.addon_id));
    BackupFilter filter;
    filter.schedule_id = schedule.id;
    VARVE_ASSIGN_OR_RETURN(const std::vector<Backup> backups, AllBackups(state, filter));
    for (Backup backup : backups) {
      backup.expires_ns = ExpiryOf(backup, schedules);
      VARVE_RETURN_IF_ERROR(state.UpdateBackup(backup));
    }
    return {};
  }));
  return schedule;
}

Status WorkRequests::RemoveSchedule(const std::string& schedule_id) {
  return plant_.state.DeleteSchedule(schedule_id);
}

}  // namespace varve::agent
