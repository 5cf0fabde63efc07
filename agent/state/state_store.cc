// Addons, and what is small: facts, answers to repeated requests, what is forgotten in time. The
// other records are in their own files beside this one.
#include "agent/state/state_store.h"

#include "agent/state/database.h"
#include "agent/state/row_values.h"
#include "agent/state/schema.h"

namespace varve::agent {
namespace {

constexpr int64_t kDayNs = 24ll * 3600 * 1'000'000'000;
constexpr int64_t kAnswersKeptNs = kDayNs;
constexpr int64_t kSlotsKeptMinutes = 7 * 24 * 60;
constexpr int64_t kHistoryKeptNs = 90 * kDayNs;

constexpr char kAddonColumns[] =
    "number, id, engine, version, volume, connection, repository, source, provisioned_backup_id, "
    "created_ns";

Result<Addon> AddonOf(const Statement& row) {
  Addon addon;
  addon.id = row.Text(1);
  addon.engine = row.Text(2);
  addon.version = row.Text(3);
  VARVE_ASSIGN_OR_RETURN(addon.volume, DecodeVolume(row.Text(4)));
  VARVE_ASSIGN_OR_RETURN(addon.connection, DecodeConnection(row.Text(5)));
  addon.repository = row.Text(6);
  if (!row.IsNull(7)) {
    VARVE_ASSIGN_OR_RETURN(addon.source, DecodeSource(row.Text(7)));
  }
  addon.provisioned_backup_id = row.Text(8);
  addon.created_ns = row.Integer(9);
  return addon;
}

Status WriteAddon(Database& database, const std::string& sql, const Addon& addon) {
  VARVE_ASSIGN_OR_RETURN(Statement write, database.Prepare(sql));
  write.Bind(addon.engine).Bind(addon.version).Bind(EncodeVolume(addon.volume));
  write.Bind(EncodeConnection(addon.connection)).Bind(addon.repository);
  write.Bind(addon.source ? SqlValue(EncodeSource(*addon.source)) : SqlValue());
  write.Bind(addon.provisioned_backup_id).Bind(addon.created_ns).Bind(addon.id);
  return write.Run();
}

}  // namespace

StateStore::StateStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
StateStore::~StateStore() = default;

Result<std::unique_ptr<StateStore>> StateStore::Open(const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(path));
  VARVE_RETURN_IF_ERROR(database->Migrate(StateMigrations()));
  return std::unique_ptr<StateStore>(new StateStore(std::move(database)));
}

Status StateStore::Atomically(const std::function<Status()>& body) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically(body);
}

Status StateStore::InsertAddon(const Addon& addon) {
  const std::lock_guard lock(mutex_);
  const Status inserted =
      WriteAddon(*database_,
                 "INSERT INTO addons(engine, version, volume, connection, repository, source, "
                 "provisioned_backup_id, created_ns, id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 addon);
  if (inserted.code() == Code::kAlreadyExists) {
    return AlreadyExists("addon " + addon.id + " exists already");
  }
  return inserted;
}

Status StateStore::UpdateAddon(const Addon& addon) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(
      WriteAddon(*database_,
                 "UPDATE addons SET engine = ?, version = ?, volume = ?, connection = ?, "
                 "repository = ?, source = ?, provisioned_backup_id = ?, created_ns = ? "
                 "WHERE id = ?",
                 addon));
  return database_->changes() > 0 ? Status() : NotFound("no addon " + addon.id);
}

Status StateStore::DeleteAddon(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return database_->Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Statement slots,
                           database_->Prepare("DELETE FROM slots WHERE schedule_id IN "
                                              "(SELECT id FROM schedules WHERE addon_id = ?)"));
    VARVE_RETURN_IF_ERROR(slots.Bind(id).Run());
    VARVE_ASSIGN_OR_RETURN(Statement schedules,
                           database_->Prepare("DELETE FROM schedules WHERE addon_id = ?"));
    VARVE_RETURN_IF_ERROR(schedules.Bind(id).Run());
    VARVE_ASSIGN_OR_RETURN(Statement addon, database_->Prepare("DELETE FROM addons WHERE id = ?"));
    VARVE_RETURN_IF_ERROR(addon.Bind(id).Run());
    return database_->changes() > 0 ? Status() : NotFound("no addon " + id);
  });
}

Result<std::optional<Addon>> StateStore::FindAddon(const std::string& id) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement find, database_->Prepare("SELECT " + std::string(kAddonColumns) +
                                                            " FROM addons WHERE id = ?"));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(id).Step());
  if (!found) return std::optional<Addon>();
  VARVE_ASSIGN_OR_RETURN(Addon addon, AddonOf(find));
  return std::optional(std::move(addon));
}

// By id: people look for an addon by its name.
Result<Page<Addon>> StateStore::ListAddons(const PageRequest& page) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement list, database_->Prepare("SELECT " + std::string(kAddonColumns) +
                                                            " FROM addons WHERE id > ? "
                                                            "ORDER BY id LIMIT ?"));
  list.Bind(page.cursor).Bind(int64_t{page.limit} + 1);
  Page<Addon> addons;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return addons;
    if (addons.rows.size() == page.limit) {
      addons.next_cursor = addons.rows.back().id;
      return addons;
    }
    VARVE_ASSIGN_OR_RETURN(Addon addon, AddonOf(list));
    addons.rows.push_back(std::move(addon));
  }
}

Result<std::optional<std::string>> StateStore::FindIdempotent(const std::string& key) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement find,
                         database_->Prepare("SELECT answer FROM answers WHERE key = ?"));
  VARVE_ASSIGN_OR_RETURN(const bool found, find.Bind(key).Step());
  return found ? std::optional(find.Text(0)) : std::nullopt;
}

Status StateStore::KeepIdempotent(const std::string& key, const std::string& answer,
                                  int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement keep,
      database_->Prepare("INSERT OR REPLACE INTO answers(key, answer, at_ns) VALUES(?, ?, ?)"));
  return keep.Bind(key).Bind(answer).Bind(at_ns).Run();
}

Status StateStore::PutFact(const std::string& kind, const std::string& name,
                           const std::string& value) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement put,
      database_->Prepare("INSERT OR REPLACE INTO facts(kind, name, value) VALUES(?, ?, ?)"));
  return put.Bind(kind).Bind(name).Bind(value).Run();
}

Status StateStore::DeleteFact(const std::string& kind, const std::string& name) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(Statement erase,
                         database_->Prepare("DELETE FROM facts WHERE kind = ? AND name = ?"));
  return erase.Bind(kind).Bind(name).Run();
}

Result<std::vector<std::pair<std::string, std::string>>> StateStore::ListFacts(
    const std::string& kind) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(
      Statement list,
      database_->Prepare("SELECT name, value FROM facts WHERE kind = ? ORDER BY name"));
  list.Bind(kind);
  std::vector<std::pair<std::string, std::string>> facts;
  while (true) {
    VARVE_ASSIGN_OR_RETURN(const bool row, list.Step());
    if (!row) return facts;
    facts.emplace_back(list.Text(0), list.Text(1));
  }
}

Result<uint64_t> StateStore::PruneHistory(int64_t now_ns, uint32_t limit) {
  const std::lock_guard lock(mutex_);
  const int64_t history = now_ns - kHistoryKeptNs;
  const std::string gone =
      "NOT EXISTS (SELECT 1 FROM backups WHERE id = subject_id) AND "
      "NOT EXISTS (SELECT 1 FROM restores WHERE id = subject_id)";
  // The lines go before the row that says there are some.
  const std::pair<std::string, int64_t> steps[] = {
      {"DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE at_ns < ? LIMIT ?)",
       now_ns - kAnswersKeptNs},
      {"DELETE FROM slots WHERE (minute, schedule_id) IN "
       "(SELECT minute, schedule_id FROM slots WHERE minute < ? LIMIT ?)",
       now_ns / (60ll * 1'000'000'000) - kSlotsKeptMinutes},
      {"DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE status NOT IN "
       "('scheduled', 'in-progress', 'aborting') AND created_ns < ? ORDER BY number LIMIT ?)",
       history},
      {"DELETE FROM log_lines WHERE subject_id IN (SELECT subject_id FROM logs WHERE "
       "last_at_ns < ? AND " +
           gone + " ORDER BY last_at_ns LIMIT ?)",
       history},
      {"DELETE FROM logs WHERE subject_id IN (SELECT subject_id FROM logs WHERE last_at_ns < ? "
       "AND " +
           gone + " ORDER BY last_at_ns LIMIT ?)",
       history},
  };
  uint64_t removed = 0;
  const Status done = database_->Atomically([&]() -> Status {
    for (const auto& [sql, before] : steps) {
      VARVE_ASSIGN_OR_RETURN(Statement erase, database_->Prepare(sql));
      VARVE_RETURN_IF_ERROR(erase.Bind(before).Bind(int64_t{limit}).Run());
      removed += static_cast<uint64_t>(database_->changes());
    }
    return {};
  });
  if (!done.ok()) return done;
  return removed;
}

}  // namespace varve::agent
