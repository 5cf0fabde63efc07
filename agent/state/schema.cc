#include "agent/state/schema.h"

#include <array>

namespace varve::agent {
namespace {

// Lists go by (time, number) so that a page is a range of an index; the indices of backups carry
// what their filters ask, so that a filter that fits few rows reads the index and not the table.
constexpr std::string_view kFirst = R"sql(
CREATE TABLE addons(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, engine TEXT NOT NULL,
  version TEXT NOT NULL, volume TEXT NOT NULL, connection TEXT NOT NULL, repository TEXT NOT NULL,
  source TEXT, provisioned_backup_id TEXT NOT NULL, created_ns INTEGER NOT NULL) STRICT;

CREATE TABLE backups(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, addon_id TEXT NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, schedule_ids TEXT NOT NULL,
  purpose TEXT NOT NULL, repository TEXT NOT NULL, snapshot_id TEXT NOT NULL, facts TEXT NOT NULL,
  retained INTEGER NOT NULL CHECK (retained IN (0, 1)), hold TEXT, expires_ns INTEGER,
  verification TEXT, error TEXT NOT NULL, created_ns INTEGER NOT NULL,
  started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL) STRICT;
CREATE INDEX backups_by_time ON backups(created_ns, number, status, type, source, name, id);
CREATE INDEX backups_of_addon
  ON backups(addon_id, created_ns, number, status, type, source, name, id);
CREATE INDEX backups_in_status ON backups(status, created_ns, number);
CREATE INDEX backups_expiring ON backups(expires_ns, number)
  WHERE status IN ('completed', 'failed', 'aborted', 'not-supported')
    AND retained = 0 AND hold IS NULL AND expires_ns IS NOT NULL;
CREATE TABLE scheduled_backups(
  schedule_id TEXT NOT NULL, created_ns INTEGER NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (schedule_id, created_ns, number)) STRICT, WITHOUT ROWID;
CREATE INDEX scheduled_backups_of ON scheduled_backups(number);

CREATE TABLE restores(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, addon_id TEXT NOT NULL,
  backup_id TEXT NOT NULL, mode TEXT NOT NULL, purpose TEXT NOT NULL, status TEXT NOT NULL,
  safety_backup_id TEXT NOT NULL, bytes_total INTEGER NOT NULL, bytes_written INTEGER NOT NULL,
  error TEXT NOT NULL, created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL,
  finished_ns INTEGER NOT NULL) STRICT;
CREATE INDEX restores_by_time ON restores(created_ns, number);
CREATE INDEX restores_of_addon ON restores(addon_id, created_ns, number);
CREATE INDEX restores_of_backup ON restores(backup_id, created_ns, number);

CREATE TABLE schedules(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, addon_id TEXT NOT NULL, type TEXT NOT NULL,
  interval TEXT NOT NULL, rule TEXT NOT NULL, considered_until INTEGER NOT NULL,
  missed INTEGER NOT NULL, skipped INTEGER NOT NULL, created_ns INTEGER NOT NULL,
  UNIQUE (addon_id, interval)) STRICT;
CREATE TABLE slots(
  minute INTEGER NOT NULL, schedule_id TEXT NOT NULL,
  PRIMARY KEY (minute, schedule_id)) STRICT, WITHOUT ROWID;

CREATE TABLE jobs(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  subject_id TEXT NOT NULL, addon_id TEXT NOT NULL, repository TEXT NOT NULL,
  parameters TEXT NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL,
  created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL) STRICT;
CREATE INDEX jobs_open ON jobs(number) WHERE status IN ('scheduled', 'in-progress', 'aborting');
CREATE INDEX jobs_in_status ON jobs(status, number);
CREATE INDEX jobs_of_subject ON jobs(subject_id, number);

CREATE TABLE log_lines(
  subject_id TEXT NOT NULL, number INTEGER NOT NULL, at_ns INTEGER NOT NULL,
  level TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (subject_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE logs(
  subject_id TEXT PRIMARY KEY NOT NULL, last_at_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX logs_by_time ON logs(last_at_ns);

CREATE TABLE answers(
  key TEXT PRIMARY KEY NOT NULL, answer TEXT NOT NULL, at_ns INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers(at_ns);
CREATE TABLE facts(
  kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name))
  STRICT, WITHOUT ROWID;
)sql";

constexpr std::array kMigrations{kFirst};

}  // namespace

std::span<const std::string_view> StateMigrations() {
  return kMigrations;
}

}  // namespace varve::agent
