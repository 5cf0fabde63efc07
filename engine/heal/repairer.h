// Heals a repository: what is damaged is brought back from wherever a good copy is (another frame
// with the same id, the other copy of the configuration, a twin repository, the live volume), into
// new objects; the damaged ones move to quarantine/ with their reasons. Nothing is deleted, nothing
// is overwritten, and where no good copy exists the report says exactly which ranges of which
// snapshots are lost. A repository without damage is not touched.
//
// Order: new packs are durable, then replaced records, then the old objects leave, then the index
// is made anew. A crash anywhere leaves a repository that reads back at least as well as before,
// and that the next repair finishes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "heal/heal_source.h"
#include "repo/repository.h"
#include "restore/checker.h"

namespace varve {

struct RepairOptions {
  bool execute = false;     // false: say what would be done, change nothing
  bool only_known = false;  // look only at the packs that scrubs found damaged
  bool prove_ids = false;   // decode every frame, not only those of packs with damage on record
};

struct RepairReport {
  std::vector<CheckFinding> findings;                // the damage
  std::vector<std::string> actions;                  // what was done, or would be
  std::map<std::string, uint64_t> healed_by_source;  // chunks and nodes
  uint64_t frames_healed = 0;
  uint64_t frames_moved = 0;  // whole frames that left a damaged pack
  uint64_t objects_quarantined = 0;
  uint64_t bytes_written = 0;
  std::vector<HurtSnapshot> lost;         // what cannot be read back (any more)
  std::vector<std::string> lost_objects;  // records that no source knows

  bool clean() const { return findings.empty() && lost.empty(); }
  // Everything that was damaged is (or would be) whole again.
  bool healed() const { return lost.empty() && lost_objects.empty(); }
};

// Thread-compatible. To execute, the repository is open for writing. Sources are tried in order.
Result<RepairReport> RepairRepository(Repository& repository, std::vector<HealSource*> sources,
                                      const RepairOptions& options, Progress& progress);

}  // namespace varve
