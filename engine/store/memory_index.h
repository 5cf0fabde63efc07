// An Index in memory, optionally on top of another one that it completes: what is found here wins,
// what is not is asked below. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "store/index.h"

namespace varve {

class MemoryIndex : public Index {
 public:
  explicit MemoryIndex(std::unique_ptr<Index> below = nullptr) : below_(std::move(below)) {}

  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override;
  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override;
  Result<std::vector<PackId>> Packs() override;
  Status Flush() override { return {}; }

 private:
  const std::unique_ptr<Index> below_;
  std::mutex mutex_;
  std::unordered_map<ContentId, Place> places_;  // guarded by mutex_
  std::vector<PackId> packs_;                    // guarded by mutex_
};

}  // namespace varve
