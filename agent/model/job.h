// A piece of work that was accepted and will be done or will say why not. A value, durable in the
// state; what it works on (a backup, a restore) has its own record with its own status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/model/work_status.h"

namespace varve::agent {

enum class JobKind {
  kBackup,   // subject: a backup
  kRestore,  // subject: a restore (also of a reset and into a fork)
  kFork,     // subject: a restore into the new addon
  kVerify,   // subject: a backup; parameters: level
  kDelete,   // subject: a backup, whose snapshot is forgotten
  kGc,       // subject: a repository
  kScrub,    // subject: a repository
};

std::string_view JobKindName(JobKind kind);
std::optional<JobKind> JobKindOf(std::string_view name);

struct Job {
  std::string id;
  JobKind kind = JobKind::kBackup;
  std::string subject_id;
  std::string addon_id;    // one at a time per addon; empty: of no addon
  std::string repository;  // one writer at a time per repository; empty: reads only
  std::string parameters;  // JSON, kind by kind
  WorkStatus status = WorkStatus::kScheduled;
  std::string error;
  int64_t created_ns = 0;
  int64_t started_ns = 0;
  int64_t finished_ns = 0;
};

// A line of a job's log, kept with its subject also after it failed. Secrets were redacted before.
struct LogLine {
  uint64_t number = 0;  // ascending within a subject, from 1
  int64_t at_ns = 0;
  std::string level;  // info, warning, error
  std::string text;
};

}  // namespace varve::agent
