// Restores of the state.
#include "agent/state/database.h"
#include "agent/state/row_values.h"
#include "agent/state/state_store.h"

namespace varve::agent {
namespace {

constexpr char kColumns[] =
    "number, id, addon_id, backup_id, mode, purpose, status, safety_backup_id, bytes_total, "
    "bytes_written, error, created_ns, started_ns, finished_ns";

Result<RestoreRecord> RestoreOf(const Statement& row) {
  RestoreRecord restore;
  restore.id = row.Text(1);
  restore.addon_id = row.Text(2);
  restore.backup_id = row.Text(3);
  restore.mode = row.Text(4);
  restore.purpose = row.Text(5);
  VARVE_RETURN_IF_ERROR(DecodeName("status", row.Text(6), WorkStatusOf, &restore.status));
  restore.safety_backup_id = row.Text(7);
  restore.bytes_total = static_cast<uint64_t>(row.Integer(8));
  restore.bytes_written = static_cast<uint64_t>(row.Integer(9));
  restore.error = row.Text(10);
  restore.created_ns = row.Integer(11);
  restore.started_ns = row.Integer(12);
  restore.finished_ns = row.Integer(13);
  return restore;
}

Status Write(Database& database, const std::string& sql, const RestoreRecord& restore) {
  VARVE_ASSIGN_OR_RETURN(Statement write, database.Prepare(sql));
  write.Bind(restore.addon_id).Bind(restore.backup_id).Bind(restore.mode).Bind(restore.purpose);
  write.Bind(std::string(WorkStatusName(restore.status))).Bind(restore.safety_backup_id);
  write.Bind(static_cast<int64_t>(restore.bytes_total));
  write.Bind(static_cast<int64_t>(restore.bytes_written)).Bind(restore.error);
  write.Bind(restore.created_ns).Bind(restore.started_ns).Bind(restore.finished_ns);
  return write.Bind(restore.id).Run();
}

}  // namespace

Status StateStore::InsertRestore(const RestoreRecord& restore) {
  const std::lock_guard lock(mutex_);
  const Status inserted =
      Write(*database_,
            "INSERT INTO restores(addon_id, backup_id, mode, purpose, status, safety_backup_id, "
            "bytes_total, bytes_written, error, created_ns, started_ns, finished_ns, id) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            restore);
  if (inserted.code() == Code::kAlreadyExists) {
    return AlreadyExists("restore " + restore.id + " exists already");
  }
  return inserted;
}

Status StateStore::UpdateRestore(const RestoreRecord& restore) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::optional<RestoreRecord> before, FindRestore(restore.id));
    if (!before) return NotFound("no restore " + restore.id);
    if (before->status != restore.status && !MayBecome(before->status, restore.status)) {
      return InvalidArgument("restore " + restore.id + " is " +
                             std::string(WorkStatusName(before->status)) + " and cannot become " +
                             std::string(WorkStatusName(restore.status)));
    }
    return Write(*database_,
                 "UPDATE restores SET addon_id = ?, backup_id = ?, mode = ?, purpose = ?, "
                 "status = ?, safety_backup_id = ?, bytes_total = ?, bytes_written = ?, "
                 "error = ?, created_ns = ?, started_ns = ?, finished_ns = ? WHERE id = ?",
                 restore);
  });
}

Result<std::optional<RestoreRecord>> StateStore::FindRestore(const std::string& id) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement find, database_->Prepare("SELECT " + std::string(kColumns) +
                                                            " FROM restores WHERE id = ?"));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(id).Step());
  if (!found) return std::optional<RestoreRecord>();
  VARVE_ASSIGN_OR_RETURN(RestoreRecord restore, RestoreOf(find));
  return std::optional(std::move(restore));
}

Result<Page<RestoreRecord>> StateStore::ListRestores(const std::string& addon_id,
                                                     const std::string& backup_id,
                                                     const PageRequest& page) {
  const std::lock_guard lock(mutex_);
  std::string where = "1";
  std::vector<SqlValue> values;
  if (!addon_id.empty()) {
    where += " AND addon_id = ?";
    values.emplace_back(addon_id);
  }
  if (!backup_id.empty()) {
    where += " AND backup_id = ?";
    values.emplace_back(backup_id);
  }
  if (!page.cursor.empty()) {
    VARVE_ASSIGN_OR_RETURN(const ListCursor cursor, DecodeCursor(page.cursor));
    where += " AND (created_ns, number) < (?, ?)";
    values.emplace_back(cursor.time_ns);
    values.emplace_back(cursor.number);
  }
  values.emplace_back(int64_t{page.limit} + 1);
  VARVE_ASSIGN_OR_RETURN(
      Statement list,
      database_->Prepare("SELECT " + std::string(kColumns) + " FROM restores WHERE " + where +
                         " ORDER BY created_ns DESC, number DESC LIMIT ?"));
  for (const SqlValue& value : values)
    list.Bind(value);
  Page<RestoreRecord> restores;
  int64_t last = 0;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return restores;
    if (restores.rows.size() == page.limit) {
      restores.next_cursor = EncodeCursor({restores.rows.back().created_ns, last});
      return restores;
    }
    VARVE_ASSIGN_OR_RETURN(RestoreRecord restore, RestoreOf(list));
    last = list.Integer(0);
    restores.rows.push_back(std::move(restore));
  }
}

}  // namespace varve::agent
