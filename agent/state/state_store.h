// What the agent knows and must not forget, in SQLite (WAL, synchronous=FULL): addons, backups,
// restores, schedules, jobs, logs, holds, slots. What repositories hold never depends on it.
//
// Every call is one transaction and durable when it returns; Atomically() joins several.
// Thread-safe: calls take turns. One process at a time: another is Busy. Errors: Io and NoSpace
// name the file; Corruption if SQLite finds the file damaged; NotFound and AlreadyExists name the
// record.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/addon.h"
#include "agent/model/backup.h"
#include "agent/model/backup_schedule.h"
#include "agent/model/job.h"
#include "base/status.h"

namespace varve::agent {

// A page of a list: rows after `cursor` (empty: from the beginning), at most `limit`.
struct PageRequest {
  uint32_t limit = 50;  // 1 to 100
  std::string cursor;   // opaque, from the page before
};
template <typename Row>
struct Page {
  std::vector<Row> rows;
  std::string next_cursor;  // empty: this was the last
};

struct BackupFilter {
  std::string addon_id;  // empty: of all
  std::optional<WorkStatus> status;
  std::optional<BackupType> type;
  std::string schedule_id;
  std::string source;  // name of a SourceType
  std::string search;  // part of the name or the id
  bool oldest_first = false;
};

struct LogFilter {
  std::optional<int64_t> from_ns, until_ns;
  uint64_t after_number = 0;
  std::string contains;
  bool newest_first = false;
  uint32_t limit = 1000;
};

class Database;

class StateStore {
 public:
  // Creates or migrates the database at `path` (0600). Unsupported if a newer varve wrote it.
  static Result<std::unique_ptr<StateStore>> Open(const std::string& path);
  ~StateStore();

  // Runs `body` in one transaction that is rolled back if it fails. Nested calls join it.
  Status Atomically(const std::function<Status()>& body);

  Status InsertAddon(const Addon& addon);
  Status UpdateAddon(const Addon& addon);
  // Its schedules go too; its backups stay.
  Status DeleteAddon(const std::string& id);
  Result<std::optional<Addon>> FindAddon(const std::string& id);
  Result<Page<Addon>> ListAddons(const PageRequest& page);

  Status InsertBackup(const Backup& backup);
  // Everything but id and addon. A status that may not follow (MayBecome) is InvalidArgument.
  Status UpdateBackup(const Backup& backup);
  Status DeleteBackup(const std::string& id);  // its log and restores' history stay
  Result<std::optional<Backup>> FindBackup(const std::string& id);
  Result<std::optional<Backup>> LatestCompleted(const std::string& addon_id, BackupType type);
  Result<Page<Backup>> ListBackups(const BackupFilter& filter, const PageRequest& page);
  // Those whose time is over: terminal (of a failed one the record is all there is), neither
  // retained nor held, expires_ns <= now; by their expiry, the oldest first.
  Result<Page<Backup>> ListExpired(int64_t now_ns, const PageRequest& page);
  Result<uint64_t> CountBackups(const BackupFilter& filter);

  Status InsertRestore(const RestoreRecord& restore);
  Status UpdateRestore(const RestoreRecord& restore);
  Result<std::optional<RestoreRecord>> FindRestore(const std::string& id);
  // Of an addon, of a backup, or of both; empty: any.
  Result<Page<RestoreRecord>> ListRestores(const std::string& addon_id,
                                           const std::string& backup_id, const PageRequest& page);

  Status InsertSchedule(const BackupSchedule& schedule);
  Status UpdateSchedule(const BackupSchedule& schedule);
  Status DeleteSchedule(const std::string& id);
  Result<std::optional<BackupSchedule>> FindSchedule(const std::string& id);
  Result<std::vector<BackupSchedule>> ListSchedules(const std::string& addon_id);  // empty: all
  // True if this slot was not yet taken: exactly one caller ever gets true (schedule, minute).
  Result<bool> TakeSlot(const std::string& schedule_id, UtcMinute slot);

  Status InsertJob(const Job& job);
  Status UpdateJob(const Job& job);
  Result<std::optional<Job>> FindJob(const std::string& id);
  Result<std::optional<Job>> FindJobOfSubject(const std::string& subject_id);  // the latest
  // Those not terminal, in the order of acceptance.
  Result<std::vector<Job>> ListOpenJobs();
  Result<Page<Job>> ListJobs(std::optional<WorkStatus> status, const PageRequest& page);

  Result<LogLine> AppendLog(const std::string& subject_id, int64_t at_ns, const std::string& level,
                            const std::string& text);
  Result<std::vector<LogLine>> ReadLog(const std::string& subject_id, const LogFilter& filter);

  // The answer given before to this key of this token and route, if it was; else it is kept.
  Result<std::optional<std::string>> FindIdempotent(const std::string& key);
  Status KeepIdempotent(const std::string& key, const std::string& answer, int64_t at_ns);

  // Small durable facts of other rooms, such as open mounts and captures to be undone: by kind and
  // name, JSON.
  Status PutFact(const std::string& kind, const std::string& name, const std::string& value);
  Status DeleteFact(const std::string& kind, const std::string& name);
  Result<std::vector<std::pair<std::string, std::string>>> ListFacts(const std::string& kind);

  // Removes at most `limit` rows of each kind that nobody can ask for any more: answers older than
  // a day, slots older than a week (considered_until is past them), jobs that ended and logs whose
  // subject is gone 90 days ago. How many rows went.
  Result<uint64_t> PruneHistory(int64_t now_ns, uint32_t limit);

 private:
  explicit StateStore(std::unique_ptr<Database> database);

  std::recursive_mutex mutex_;  // held for the length of a call, so that calls take turns
  std::unique_ptr<Database> database_;
};

}  // namespace varve::agent
