// An index's view during a repair: of packs that are about to be quarantined, only the frames that
// were found whole count as usable. Nothing is added to the index below. Thread-safe as that one.
#pragma once

#include <map>
#include <set>

#include "store/index.h"

namespace varve {

class LeavingPacks : public Index {
 public:
  // Per pack, the offsets of its whole frames. `below` is borrowed.
  LeavingPacks(Index& below, std::map<PackId, std::set<uint64_t>> leaving)
      : below_(below), leaving_(std::move(leaving)) {}

  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override {
    VARVE_RETURN_IF_ERROR(below_.FindMany(ids, places));
    for (std::optional<Place>& place : *places) {
      if (!place) continue;
      const auto pack = leaving_.find(place->pack);
      if (pack != leaving_.end() && !pack->second.contains(place->offset)) place->usable = false;
    }
    return {};
  }
  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override {
    return below_.Add(pack, frames);
  }
  Result<std::vector<PackId>> Packs() override { return below_.Packs(); }
  Status Distrust(std::span<const ContentId> ids) override { return below_.Distrust(ids); }
  void SetCondemned(const std::set<PackId>& packs) override { below_.SetCondemned(packs); }
  Status Drop(const std::set<PackId>& packs) override { return below_.Drop(packs); }
  Result<bool> Refresh() override { return below_.Refresh(); }
  Status MarkProved(const SnapshotId& snapshot) override { return below_.MarkProved(snapshot); }
  Result<bool> IsProved(const SnapshotId& snapshot) override { return below_.IsProved(snapshot); }
  Status Flush() override { return below_.Flush(); }

 private:
  Index& below_;
  const std::map<PackId, std::set<uint64_t>> leaving_;
};

}  // namespace varve
