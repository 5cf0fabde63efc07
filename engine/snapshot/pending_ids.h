// Ids that this session stores but the index does not know yet: between a worker's decision to
// store a chunk and the moment its pack is in the index. Two workers that meet the same new chunk
// store it once. Bounded by what fits into the packs under way. Thread-safe.
#pragma once

#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "format/pack_format.h"

namespace varve {

class PendingIds {
 public:
  // True if nobody claimed `id` before: it is the caller's to store, or to release when the index
  // turns out to know it. (Claim first, then look up: a pack enters the index before it leaves
  // here.)
  bool Claim(const ContentId& id) {
    const std::lock_guard lock(mutex_);
    return ids_.insert(id).second;
  }
  void Release(const ContentId& id) {
    const std::lock_guard lock(mutex_);
    ids_.erase(id);
  }
  void Release(std::span<const FrameInfo> frames) {
    const std::lock_guard lock(mutex_);
    for (const FrameInfo& frame : frames)
      ids_.erase(frame.id);
  }

 private:
  std::mutex mutex_;
  std::unordered_set<ContentId> ids_;  // guarded by mutex_
};

}  // namespace varve
