// Backups of the state: their rows, and their lists by keyset cursors.
#include "agent/state/database.h"
#include "agent/state/row_values.h"
#include "agent/state/state_store.h"

namespace varve::agent {
namespace {

constexpr char kColumns[] =
    "b.number, b.id, b.addon_id, b.name, b.type, b.source, b.status, b.schedule_ids, b.purpose, "
    "b.repository, b.snapshot_id, b.facts, b.retained, b.hold, b.expires_ns, b.verification, "
    "b.error, b.created_ns, b.started_ns, b.finished_ns";
// As the index backups_expiring has it, or it does not serve.
constexpr char kMayExpire[] =
    "b.status IN ('completed', 'failed', 'aborted', 'not-supported') AND b.retained = 0 AND "
    "b.hold IS NULL AND b.expires_ns IS NOT NULL";

Status DecodeOptional(const Statement& row, Backup* backup) {
  if (!row.IsNull(13)) {
    VARVE_ASSIGN_OR_RETURN(backup->hold, DecodeHold(row.Text(13)));
  }
  if (!row.IsNull(14)) backup->expires_ns = row.Integer(14);
  if (!row.IsNull(15)) {
    VARVE_ASSIGN_OR_RETURN(backup->verification, DecodeVerification(row.Text(15)));
  }
  return {};
}

Result<Backup> BackupOf(const Statement& row) {
  Backup backup;
  backup.id = row.Text(1);
  backup.addon_id = row.Text(2);
  backup.name = row.Text(3);
  VARVE_RETURN_IF_ERROR(DecodeName("backup type", row.Text(4), BackupTypeOf, &backup.type));
  VARVE_RETURN_IF_ERROR(DecodeName("source type", row.Text(5), SourceTypeOf, &backup.source));
  VARVE_RETURN_IF_ERROR(DecodeName("status", row.Text(6), WorkStatusOf, &backup.status));
  VARVE_ASSIGN_OR_RETURN(backup.schedule_ids, DecodeList(row.Text(7)));
  backup.purpose = row.Text(8);
  backup.repository = row.Text(9);
  backup.snapshot_id = row.Text(10);
  VARVE_ASSIGN_OR_RETURN(backup.facts, DecodeFacts(row.Text(11)));
  backup.retained = row.Integer(12) != 0;
  VARVE_RETURN_IF_ERROR(DecodeOptional(row, &backup));
  backup.error = row.Text(16);
  backup.created_ns = row.Integer(17);
  backup.started_ns = row.Integer(18);
  backup.finished_ns = row.Integer(19);
  return backup;
}

void BindBackup(const Backup& backup, Statement* write) {
  write->Bind(backup.name).Bind(std::string(BackupTypeName(backup.type)));
  write->Bind(std::string(SourceTypeName(backup.source)));
  write->Bind(std::string(WorkStatusName(backup.status))).Bind(EncodeList(backup.schedule_ids));
  write->Bind(backup.purpose).Bind(backup.repository).Bind(backup.snapshot_id);
  write->Bind(EncodeFacts(backup.facts)).Bind(int64_t{backup.retained});
  write->Bind(backup.hold ? SqlValue(EncodeHold(*backup.hold)) : SqlValue());
  write->Bind(backup.expires_ns ? SqlValue(*backup.expires_ns) : SqlValue());
  write->Bind(backup.verification ? SqlValue(EncodeVerification(*backup.verification))
                                  : SqlValue());
  write->Bind(backup.error).Bind(backup.created_ns).Bind(backup.started_ns);
  write->Bind(backup.finished_ns).Bind(backup.id);
}

// A list as SQL: the conditions and their values in order.
struct Query {
  std::string from = "backups b";
  std::string where = "1";
  std::string time = "b.created_ns";
  std::vector<SqlValue> values;

  void Add(const std::string& condition, const SqlValue& value) {
    where += " AND " + condition;
    values.push_back(value);
  }
};

Query QueryOf(const BackupFilter& filter) {
  Query query;
  if (!filter.schedule_id.empty()) {
    query.from = "scheduled_backups s CROSS JOIN backups b ON b.number = s.number";
    query.time = "s.created_ns";
    query.Add("s.schedule_id = ?", filter.schedule_id);
  }
  if (!filter.addon_id.empty()) query.Add("b.addon_id = ?", filter.addon_id);
  if (filter.status) query.Add("b.status = ?", std::string(WorkStatusName(*filter.status)));
  if (filter.type) query.Add("b.type = ?", std::string(BackupTypeName(*filter.type)));
  if (!filter.source.empty()) query.Add("b.source = ?", filter.source);
  if (!filter.search.empty()) {
    query.Add("instr(lower(b.name) || ' ' || b.id, lower(?)) > 0", filter.search);
  }
  return query;
}

void BindAll(const std::vector<SqlValue>& values, Statement* statement) {
  for (const SqlValue& value : values)
    statement->Bind(value);
}

Result<Page<Backup>> ListPage(Database& database, Query query, bool ascending,
                              const PageRequest& page) {
  const std::string number = query.time[0] == 's' ? "s.number" : "b.number";
  if (!page.cursor.empty()) {
    VARVE_ASSIGN_OR_RETURN(const ListCursor cursor, DecodeCursor(page.cursor));
    query.Add("(" + query.time + ", " + number + ") " + (ascending ? ">" : "<") + " (?, ?)",
              cursor.time_ns);
    query.values.emplace_back(cursor.number);
  }
  const std::string direction = ascending ? " ASC" : " DESC";
  VARVE_ASSIGN_OR_RETURN(
      Statement list,
      database.Prepare("SELECT " + std::string(kColumns) + ", " + query.time + " FROM " +
                       query.from + " WHERE " + query.where + " ORDER BY " + query.time +
                       direction + ", " + number + direction + " LIMIT ?"));
  query.values.emplace_back(int64_t{page.limit} + 1);
  BindAll(query.values, &list);
  Page<Backup> backups;
  ListCursor last;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return backups;
    if (backups.rows.size() == page.limit) {
      backups.next_cursor = EncodeCursor(last);
      return backups;
    }
    VARVE_ASSIGN_OR_RETURN(Backup backup, BackupOf(list));
    last = {list.Integer(20), list.Integer(0)};
    backups.rows.push_back(std::move(backup));
  }
}

Status LinkSchedules(Database& database, const Backup& backup) {
  for (const std::string& schedule_id : backup.schedule_ids) {
    VARVE_ASSIGN_OR_RETURN(
        Statement link,
        database.Prepare("INSERT OR REPLACE INTO scheduled_backups(schedule_id, created_ns, number)"
                         " SELECT ?, created_ns, number FROM backups WHERE id = ?"));
    VARVE_RETURN_IF_ERROR(link.Bind(schedule_id).Bind(backup.id).Run());
  }
  return {};
}

Status UnlinkSchedules(Database& database, const std::string& id) {
  VARVE_ASSIGN_OR_RETURN(Statement unlink,
                         database.Prepare("DELETE FROM scheduled_backups WHERE number = "
                                          "(SELECT number FROM backups WHERE id = ?)"));
  return unlink.Bind(id).Run();
}

}  // namespace

Status StateStore::InsertBackup(const Backup& backup) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(
        Statement insert,
        database_->Prepare(
            "INSERT INTO backups(name, type, source, status, schedule_ids, purpose, repository, "
            "snapshot_id, facts, retained, hold, expires_ns, verification, error, created_ns, "
            "started_ns, finished_ns, id, addon_id) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    BindBackup(backup, &insert);
    const Status inserted = insert.Bind(backup.addon_id).Run();
    if (inserted.code() == Code::kAlreadyExists) {
      return AlreadyExists("backup " + backup.id + " exists already");
    }
    VARVE_RETURN_IF_ERROR(inserted);
    return LinkSchedules(*database_, backup);
  });
}

Status StateStore::UpdateBackup(const Backup& backup) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(const std::optional<Backup> before, FindBackup(backup.id));
    if (!before) return NotFound("no backup " + backup.id);
    if (before->status != backup.status && !MayBecome(before->status, backup.status)) {
      return InvalidArgument("backup " + backup.id + " is " +
                             std::string(WorkStatusName(before->status)) + " and cannot become " +
                             std::string(WorkStatusName(backup.status)));
    }
    VARVE_ASSIGN_OR_RETURN(
        Statement update,
        database_->Prepare("UPDATE backups SET name = ?, type = ?, source = ?, status = ?, "
                           "schedule_ids = ?, purpose = ?, repository = ?, snapshot_id = ?, "
                           "facts = ?, retained = ?, hold = ?, expires_ns = ?, verification = ?, "
                           "error = ?, created_ns = ?, started_ns = ?, finished_ns = ? "
                           "WHERE id = ?"));
    BindBackup(backup, &update);
    VARVE_RETURN_IF_ERROR(update.Run());
    const bool same_links =
        before->schedule_ids == backup.schedule_ids && before->created_ns == backup.created_ns;
    if (same_links) return {};
    VARVE_RETURN_IF_ERROR(UnlinkSchedules(*database_, backup.id));
    return LinkSchedules(*database_, backup);
  });
}

Status StateStore::DeleteBackup(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(UnlinkSchedules(*database_, id));
    VARVE_ASSIGN_OR_RETURN(Statement erase, database_->Prepare("DELETE FROM backups WHERE id = ?"));
    VARVE_RETURN_IF_ERROR(erase.Bind(id).Run());
    return database_->changes() > 0 ? Status() : NotFound("no backup " + id);
  });
}

Result<std::optional<Backup>> StateStore::FindBackup(const std::string& id) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement find, database_->Prepare("SELECT " + std::string(kColumns) +
                                                            " FROM backups b WHERE b.id = ?"));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(id).Step());
  if (!found) return std::optional<Backup>();
  VARVE_ASSIGN_OR_RETURN(Backup backup, BackupOf(find));
  return std::optional(std::move(backup));
}

Result<std::optional<Backup>> StateStore::LatestCompleted(const std::string& addon_id,
                                                          BackupType type) {
  const BackupFilter filter{.addon_id = addon_id, .status = WorkStatus::kCompleted, .type = type};
  VARVE_ASSIGN_OR_RETURN(Page<Backup> latest, ListBackups(filter, {.limit = 1}));
  if (latest.rows.empty()) return std::optional<Backup>();
  return std::optional(std::move(latest.rows[0]));
}

Result<Page<Backup>> StateStore::ListBackups(const BackupFilter& filter, const PageRequest& page) {
  const std::lock_guard lock(mutex_);
  return ListPage(*database_, QueryOf(filter), filter.oldest_first, page);
}

Result<Page<Backup>> StateStore::ListExpired(int64_t now_ns, const PageRequest& page) {
  const std::lock_guard lock(mutex_);
  Query query;
  query.where = kMayExpire;
  query.time = "b.expires_ns";
  query.Add("b.expires_ns <= ?", now_ns);
  return ListPage(*database_, std::move(query), true, page);
}

Result<uint64_t> StateStore::CountBackups(const BackupFilter& filter) {
  const std::lock_guard lock(mutex_);
  const Query query = QueryOf(filter);
  VARVE_ASSIGN_OR_RETURN(Statement count, database_->Prepare("SELECT count(*) FROM " + query.from +
                                                             " WHERE " + query.where));
  BindAll(query.values, &count);
  VARVE_RETURN_IF_ERROR(count.Step().status());
  return static_cast<uint64_t>(count.Integer(0));
}

}  // namespace varve::agent
