// An Index in memory, optionally on top of another one that it completes: what is found here wins,
// what is not is asked below. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/index.h"

namespace varve {

class MemoryIndex : public Index {
 public:
  // What it holds is copied; there is none below it.
  std::unique_ptr<MemoryIndex> Clone();

  explicit MemoryIndex(std::unique_ptr<Index> below = nullptr)
      : owned_(std::move(below)), below_(owned_.get()) {}
  // Over one that is borrowed.
  explicit MemoryIndex(Index& below) : below_(&below) {}

  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override;
  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override;
  Result<std::vector<PackId>> Packs() override;
  Status Distrust(std::span<const ContentId> ids) override;
  void SetCondemned(const std::set<PackId>& packs) override;
  Status Drop(const std::set<PackId>& packs) override;
  Result<bool> Refresh() override {
    return below_ == nullptr ? Result<bool>(false) : below_->Refresh();
  }
  Status MarkProved(const SnapshotId& snapshot) override;
  Result<bool> IsProved(const SnapshotId& snapshot) override;
  Status Flush() override { return {}; }

 private:
  const std::unique_ptr<Index> owned_;
  Index* const below_;
  std::mutex mutex_;
  std::unordered_map<ContentId, Place> places_;  // guarded by mutex_
  std::unordered_set<ContentId> distrusted_;     // guarded by mutex_; not to be asked for below
  std::vector<PackId> packs_;                    // guarded by mutex_
  std::set<PackId> condemned_;                   // guarded by mutex_
  std::set<SnapshotId> proved_;                  // guarded by mutex_
  bool proofs_below_hold_ = true;                // guarded by mutex_
};

}  // namespace varve
