// Looks at a whole repository: reads every byte of it once and says what is damaged and whom it
// hurts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "repo/repository.h"
#include "restore/verifier.h"

namespace varve {

// One damaged object.
struct CheckFinding {
  std::string object;  // "pack 7f3a…", "snapshots/1f2e…", "config", "index"
  std::string what;
};

// A snapshot that cannot be read back as a whole.
struct HurtSnapshot {
  SnapshotId id;
  std::string volume_name;
  std::vector<HurtRange> ranges;
};

struct CheckReport {
  std::vector<CheckFinding> findings;
  std::vector<HurtSnapshot> hurt;
  // Harmless: leftovers of interrupted writers, files that are not varve's.
  std::vector<std::string> notes;
  uint64_t packs = 0;
  uint64_t frames = 0;
  uint64_t snapshots = 0;
  uint64_t bytes_checked = 0;

  bool clean() const { return findings.empty() && hurt.empty(); }
};

// The returned status is a failure to look; damage is in the report.
Result<CheckReport> CheckRepository(Repository& repository, Progress& progress);

}  // namespace varve
