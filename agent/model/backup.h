// A backup as a user sees it, and each restore from one. Values. Times in nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/work_status.h"

namespace varve::agent {

enum class BackupType { kSnapshot, kDump };
enum class SourceType { kSameAddon, kSnapshot, kLiveInstance, kExternalDump, kFileUpload };

struct Hold {
  std::string name;
  std::string reason;
  int64_t since_ns = 0;
};

struct Verification {
  std::string level;   // checksum, mount, restore
  std::string result;  // passed, failed
  std::string detail;  // what the check answered, or why it failed
  int64_t at_ns = 0;
};

// What the capture and the snapshot found out; zero until they have.
struct BackupFacts {
  uint64_t bytes_logical = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_changed = 0;
  uint64_t bytes_stored = 0;
  std::string consistency;      // as the snapshot's record names it
  std::string change_source;    // "scan", "map file", …
  std::string fallback_reason;  // why it was not another one
  std::string capture;          // "reflink", "stopped", …
  int64_t pause_ns = 0;         // how long the database could not write
  std::string parent_snapshot;
};

struct Backup {
  std::string id;
  std::string addon_id;
  std::string name;
  BackupType type = BackupType::kSnapshot;
  SourceType source = SourceType::kSameAddon;
  WorkStatus status = WorkStatus::kScheduled;
  std::vector<std::string> schedule_ids;  // all of an overlap; empty: manual
  std::string purpose;                    // manual, schedule, safety, provisioned
  std::string repository;
  std::string snapshot_id;  // in the repository, once completed
  BackupFacts facts;
  bool retained = false;
  std::optional<Hold> hold;
  std::optional<int64_t> expires_ns;
  std::optional<Verification> verification;
  std::string error;  // why it failed
  int64_t created_ns = 0;
  int64_t started_ns = 0;
  int64_t finished_ns = 0;
};

struct RestoreRecord {
  std::string id;
  std::string addon_id;   // whose volume is written
  std::string backup_id;  // what is written to it
  std::string mode;       // in-place, instant
  std::string purpose;    // restore, reset, fork
  WorkStatus status = WorkStatus::kScheduled;
  std::string safety_backup_id;  // empty: none was wanted
  uint64_t bytes_total = 0;
  uint64_t bytes_written = 0;
  std::string error;
  int64_t created_ns = 0;
  int64_t started_ns = 0;
  int64_t finished_ns = 0;
};

std::string_view BackupTypeName(BackupType type);
std::optional<BackupType> BackupTypeOf(std::string_view name);
std::string_view SourceTypeName(SourceType type);
std::optional<SourceType> SourceTypeOf(std::string_view name);

}  // namespace varve::agent
