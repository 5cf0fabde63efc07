// What a GC is going to do, as a value that can be shown before anything is done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "gc/pack_usage.h"

namespace varve {

struct GcOptions {
  // How many bytes of packs may be read and written anew in one run.
  uint64_t rewrite_bytes_max = UINT64_MAX;
  // Bytes read and written per second; 0: as fast as it goes.
  uint64_t rate_bytes_per_second = 0;
  // How much may lie about in packs that are partly dead: this many hundredths of what is alive.
  uint32_t tolerated_garbage_percent = 5;
  // Go on even if more than kGcBrakePercent of all bytes would be removed (G7).
  bool force = false;
};
inline constexpr uint32_t kGcBrakePercent = 30;

struct GcPlan {
  // Condemned before, and nothing needs it still: unlinked now.
  std::vector<PackUsage> unlink;
  // Condemned before, and needed after all.
  std::vector<PackId> take_back;
  // Nothing needs it: condemned now, unlinked when the sessions at work have ended.
  std::vector<PackUsage> condemn;
  // Partly dead: what is alive is written to new packs, then it is condemned. Best first: the most
  // bytes freed for the fewest written.
  std::vector<PackUsage> rewrite;
  // Records of deleted snapshots to be removed.
  std::vector<SnapshotId> deleted;
  // Condemned, but sessions that began before are still at work.
  uint64_t waiting_bytes = 0;
  std::vector<std::string> waiting_for;  // their purposes

  uint64_t snapshots = 0;  // roots of the mark
  uint64_t packs = 0;
  uint64_t packs_unreadable = 0;  // kept as they are
  uint64_t bytes_total = 0;
  uint64_t bytes_alive = 0;
  uint64_t references = 0;

  uint64_t UnlinkBytes() const;
  uint64_t CondemnBytes() const;
  uint64_t RewriteBytes() const;  // alive, to be written
  uint64_t RewriteFreesBytes() const;
  // Bytes that will be free when all of it is done.
  uint64_t FreesBytes() const { return UnlinkBytes() + CondemnBytes() + RewriteFreesBytes(); }
  bool empty() const {
    return unlink.empty() && take_back.empty() && condemn.empty() && rewrite.empty() &&
           deleted.empty();
  }
};

// Picks what to rewrite from the partly dead packs, within the budget. Pure.
std::vector<PackUsage> SelectRewrites(const std::vector<PackUsage>& packs,
                                      const GcOptions& options);

}  // namespace varve
