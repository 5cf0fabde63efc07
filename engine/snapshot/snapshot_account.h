// What a new snapshot takes of the repository: the packs it stores, and those of earlier snapshots
// that it refers to beyond its parent's, which must exist at the commit (G5). Keeps it within its
// volume's quota. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "repo/quota_meter.h"
#include "store/index.h"

namespace varve {

class SnapshotAccount {
 public:
  // Borrowed; null: there is no quota.
  explicit SnapshotAccount(QuotaMeter* quota) : quota_(quota) {}

  // Before a pack of its own is published. NoSpace by the quota: it must not be.
  Status Store(const PackId& pack, uint64_t bytes);
  // Found stored already. NoSpace by the quota.
  Status Reuse(const Place& place);
  // Needed, and nothing new to the volume.
  void Require(const PackId& pack);

  // A pass over the volume begins anew: what it stored stays its own, what it refers to is open.
  void BeginPass();

  bool has_quota() const { return quota_ != nullptr; }
  std::vector<PackId> ReusedPacks();
  uint64_t bytes_reused();

 private:
  bool WasSeen(const ContentId& id);

  QuotaMeter* const quota_;
  std::mutex mutex_;
  std::set<PackId> own_;                                               // guarded by mutex_
  std::set<PackId> reused_;                                            // guarded by mutex_
  uint64_t bytes_reused_ = 0;                                          // guarded by mutex_
  std::vector<uint64_t> recently_seen_ = std::vector<uint64_t>(4096);  // guarded by mutex_
};

}  // namespace varve
