#include "store/memory_index.h"

#include <algorithm>

namespace varve {

std::unique_ptr<MemoryIndex> MemoryIndex::Clone() {
  VARVE_CHECK(below_ == nullptr);
  auto clone = std::make_unique<MemoryIndex>();
  const std::lock_guard lock(mutex_);
  clone->places_ = places_;
  clone->distrusted_ = distrusted_;
  clone->packs_ = packs_;
  clone->proved_ = proved_;
  return clone;
}

Status MemoryIndex::FindMany(std::span<const ContentId> ids,
                             std::vector<std::optional<Place>>* places) {
  if (below_ != nullptr) {
    VARVE_RETURN_IF_ERROR(below_->FindMany(ids, places));
  } else {
    places->assign(ids.size(), std::nullopt);
  }
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto found = places_.find(ids[i]);
    if (found == places_.end()) continue;
    const bool keep = (*places)[i] && found->second.frame.encoding == Encoding::kDelta &&
                      (*places)[i]->frame.encoding != Encoding::kDelta &&
                      !distrusted_.contains(ids[i]);
    if (!keep) (*places)[i] = found->second;
  }
  for (std::optional<Place>& place : *places) {
    if (place && condemned_.count(place->pack) != 0) place->usable = false;
  }
  return {};
}

Status MemoryIndex::Add(const PackId& pack, std::span<const PlacedFrame> frames) {
  const std::lock_guard lock(mutex_);
  for (const PlacedFrame& frame : frames) {
    const Place place{pack, frame.offset, frame.info};
    const auto [present, is_new] = places_.try_emplace(frame.info.id, place);
    const bool keep = frame.info.encoding == Encoding::kDelta &&
                      present->second.frame.encoding != Encoding::kDelta && present->second.usable;
    if (!is_new && !keep) present->second = place;
  }
  packs_.push_back(pack);
  return {};
}

Status MemoryIndex::Distrust(std::span<const ContentId> ids) {
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(FindMany(ids, &places));
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!places[i]) continue;
    // What was added since it was looked up counts.
    places_.try_emplace(ids[i], *places[i]).first->second.usable = false;
    distrusted_.insert(ids[i]);
  }
  proved_.clear();
  proofs_below_hold_ = false;
  return {};
}

void MemoryIndex::SetCondemned(const std::set<PackId>& packs) {
  if (below_ != nullptr) below_->SetCondemned(packs);
  const std::lock_guard lock(mutex_);
  condemned_ = packs;
}

Status MemoryIndex::Drop(const std::set<PackId>& packs) {
  VARVE_CHECK(below_ == nullptr);  // a view is made anew instead
  const std::lock_guard lock(mutex_);
  std::erase_if(places_, [&](const auto& entry) { return packs.count(entry.second.pack) != 0; });
  std::erase_if(packs_, [&](const PackId& pack) { return packs.count(pack) != 0; });
  return {};
}

Status MemoryIndex::MarkProved(const SnapshotId& snapshot) {
  const std::lock_guard lock(mutex_);
  proved_.insert(snapshot);
  return {};
}

Result<bool> MemoryIndex::IsProved(const SnapshotId& snapshot) {
  {
    const std::lock_guard lock(mutex_);
    if (proved_.count(snapshot) != 0) return true;
    if (below_ == nullptr || !proofs_below_hold_) return false;
  }
  return below_->IsProved(snapshot);
}

Result<std::vector<PackId>> MemoryIndex::Packs() {
  std::vector<PackId> packs;
  if (below_ != nullptr) {
    VARVE_ASSIGN_OR_RETURN(packs, below_->Packs());
  }
  const std::lock_guard lock(mutex_);
  packs.insert(packs.end(), packs_.begin(), packs_.end());
  std::sort(packs.begin(), packs.end());
  packs.erase(std::unique(packs.begin(), packs.end()), packs.end());
  return packs;
}

}  // namespace varve
