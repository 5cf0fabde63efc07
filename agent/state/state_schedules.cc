// Schedules of the state and the slots that were taken.
#include "agent/state/database.h"
#include "agent/state/row_values.h"
#include "agent/state/state_store.h"

namespace varve::agent {
namespace {

constexpr char kSelect[] =
    "SELECT id, addon_id, type, interval, rule, considered_until, missed, skipped, created_ns "
    "FROM schedules ";

int64_t MinutesOf(UtcMinute minute) {
  return minute.time_since_epoch().count();
}

Result<BackupSchedule> ScheduleOf(const Statement& row) {
  BackupSchedule schedule;
  schedule.id = row.Text(0);
  schedule.addon_id = row.Text(1);
  VARVE_RETURN_IF_ERROR(DecodeName("backup type", row.Text(2), BackupTypeOf, &schedule.type));
  VARVE_RETURN_IF_ERROR(DecodeName("interval", row.Text(3), IntervalOf, &schedule.rule.interval));
  VARVE_RETURN_IF_ERROR(DecodeRule(row.Text(4), &schedule));
  schedule.considered_until = UtcMinute(std::chrono::minutes(row.Integer(5)));
  schedule.missed = static_cast<uint64_t>(row.Integer(6));
  schedule.skipped = static_cast<uint64_t>(row.Integer(7));
  schedule.created_ns = row.Integer(8);
  return schedule;
}

Status Write(Database& database, const std::string& sql, const BackupSchedule& schedule) {
  VARVE_ASSIGN_OR_RETURN(Statement write, database.Prepare(sql));
  write.Bind(schedule.addon_id).Bind(std::string(BackupTypeName(schedule.type)));
  write.Bind(IntervalName(schedule.rule.interval)).Bind(EncodeRule(schedule));
  write.Bind(MinutesOf(schedule.considered_until));
  write.Bind(static_cast<int64_t>(schedule.missed));
  write.Bind(static_cast<int64_t>(schedule.skipped));
  return write.Bind(schedule.created_ns).Bind(schedule.id).Run();
}

}  // namespace

Status StateStore::InsertSchedule(const BackupSchedule& schedule) {
  const std::lock_guard lock(mutex_);
  const Status inserted =
      Write(*database_,
            "INSERT INTO schedules(addon_id, type, interval, rule, considered_until, missed, "
            "skipped, created_ns, id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            schedule);
  if (inserted.code() == Code::kAlreadyExists) {
    return AlreadyExists("addon " + schedule.addon_id + " has a schedule " + schedule.id +
                         " or a " + IntervalName(schedule.rule.interval) + " one already");
  }
  return inserted;
}

Status StateStore::UpdateSchedule(const BackupSchedule& schedule) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(Write(*database_,
                              "UPDATE schedules SET addon_id = ?, type = ?, interval = ?, "
                              "rule = ?, considered_until = ?, missed = ?, skipped = ?, "
                              "created_ns = ? WHERE id = ?",
                              schedule));
  return database_->changes() > 0 ? Status() : NotFound("no schedule " + schedule.id);
}

Status StateStore::DeleteSchedule(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Statement slots,
                           database_->Prepare("DELETE FROM slots WHERE schedule_id = ?"));
    VARVE_RETURN_IF_ERROR(slots.Bind(id).Run());
    VARVE_ASSIGN_OR_RETURN(Statement erase,
                           database_->Prepare("DELETE FROM schedules WHERE id = ?"));
    VARVE_RETURN_IF_ERROR(erase.Bind(id).Run());
    return database_->changes() > 0 ? Status() : NotFound("no schedule " + id);
  });
}

Result<std::optional<BackupSchedule>> StateStore::FindSchedule(const std::string& id) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement find, database_->Prepare(std::string(kSelect) + "WHERE id = ?"));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(id).Step());
  if (!found) return std::optional<BackupSchedule>();
  VARVE_ASSIGN_OR_RETURN(BackupSchedule schedule, ScheduleOf(find));
  return std::optional(std::move(schedule));
}

Result<std::vector<BackupSchedule>> StateStore::ListSchedules(const std::string& addon_id) {
  const std::lock_guard lock(mutex_);
  const std::string where = addon_id.empty() ? "" : "WHERE addon_id = ? ";
  VARVE_ASSIGN_OR_RETURN(Statement list,
                         database_->Prepare(kSelect + where + "ORDER BY addon_id, number"));
  if (!addon_id.empty()) list.Bind(addon_id);
  std::vector<BackupSchedule> schedules;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return schedules;
    VARVE_ASSIGN_OR_RETURN(BackupSchedule schedule, ScheduleOf(list));
    schedules.push_back(std::move(schedule));
  }
}

Result<bool> StateStore::TakeSlot(const std::string& schedule_id, UtcMinute slot) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement take,
      database_->Prepare("INSERT OR IGNORE INTO slots(schedule_id, minute) VALUES(?, ?)"));
  VARVE_RETURN_IF_ERROR(take.Bind(schedule_id).Bind(MinutesOf(slot)).Run());
  return database_->changes() == 1;
}

}  // namespace varve::agent
