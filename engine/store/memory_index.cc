#include "store/memory_index.h"

#include <algorithm>

namespace varve {

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
    if (found != places_.end()) (*places)[i] = found->second;
  }
  return {};
}

Status MemoryIndex::Add(const PackId& pack, std::span<const PlacedFrame> frames) {
  const std::lock_guard lock(mutex_);
  for (const PlacedFrame& frame : frames) {
    const Place place{pack, frame.offset, frame.info};
    if (frame.info.encoding == Encoding::kDelta) {
      places_.try_emplace(frame.info.id, place);
    } else {
      places_.insert_or_assign(frame.info.id, place);
    }
  }
  packs_.push_back(pack);
  return {};
}

Result<std::vector<PackId>> MemoryIndex::Packs() {
  std::vector<PackId> packs;
  if (below_ != nullptr) {
    VARVE_ASSIGN_OR_RETURN(packs, below_->Packs());
  }
  const std::lock_guard lock(mutex_);
  packs.insert(packs.end(), packs_.begin(), packs_.end());
  std::sort(packs.begin(), packs.end());
  return packs;
}

}  // namespace varve
