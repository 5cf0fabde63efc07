// Looks for damage before the user meets it: reads every object of a repository again and again,
// what was not looked at for longest first, and says what is damaged, where, and whom it hurts.
//
// Damage of packs is recorded durably (damage_log.h) the moment it is found: from then on nothing
// new relies on the damaged frames, and the next snapshot of the volume stores those chunks again.
// Apart from that and from its own progress a scrub changes nothing; it needs no lock and runs
// beside everything else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "heal/pacer.h"
#include "repo/repository.h"
#include "restore/checker.h"

namespace varve {

enum class ScrubDepth {
  kStored,  // the checksums of the stored bytes: needs no keys
  kId,      // and every frame decodes to bytes that have its id
};

struct ScrubOptions {
  ScrubDepth depth = ScrubDepth::kId;
  uint64_t bytes_per_second = 0;  // 0: no limit
  // Stop after about so many bytes of packs; the next scrub goes on there. 0: to the end.
  uint64_t bytes_max = 0;
  // Begin a new pass even if one is under way.
  bool restart = false;
  // Progress is made durable every so many bytes.
  uint64_t save_every_bytes = uint64_t{256} << 20;
  Pacer::Sleep sleep = Pacer::SleepOnThread;
};

struct ScrubFinding {
  std::string object;   // "pack 7f3a…", "snapshots/1f2e…", "config", "sessions/…", "index"
  uint64_t offset = 0;  // where in the object the damage begins, as near as it can be told
  std::string what;
};

struct ScrubReport {
  std::vector<ScrubFinding> findings;
  std::vector<HurtSnapshot> hurt;
  std::vector<std::string> notes;
  uint64_t pass = 0;
  bool resumed = false;   // earlier scrubs did a part of this pass
  bool complete = false;  // the pass is done
  uint64_t packs_total = 0;
  uint64_t packs_verified = 0;  // by this run
  uint64_t packs_left = 0;      // of this pass
  uint64_t frames_verified = 0;
  uint64_t bytes_verified = 0;
  // Deltas whose own bytes are whole but whose base is not, so that their id cannot be proved.
  uint64_t frames_unproved = 0;
  // Of the packs there are: when the one that was not looked at for longest was; 0 means never.
  int64_t oldest_verified_unix_ns = 0;

  bool clean() const { return findings.empty() && hurt.empty(); }
};

// The returned status is a failure to look (Cancelled keeps what was done); damage is in the
// report.
Result<ScrubReport> ScrubRepository(Repository& repository, const ScrubOptions& options,
                                    Progress& progress);

}  // namespace varve
