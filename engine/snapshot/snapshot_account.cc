#include "snapshot/snapshot_account.h"

#include "base/bytes.h"

namespace varve {

Status SnapshotAccount::Store(const PackId& pack, uint64_t bytes) {
  if (quota_ != nullptr) VARVE_RETURN_IF_ERROR(quota_->Charge(bytes));
  const std::lock_guard lock(mutex_);
  own_.insert(pack);
  return {};
}

Status SnapshotAccount::Reuse(const Place& place) {
  {
    const std::lock_guard lock(mutex_);
    reused_.insert(place.pack);
    if (own_.contains(place.pack) || WasSeen(place.frame.id)) return {};
    bytes_reused_ += place.frame.FrameBytes();
  }
  return quota_ == nullptr ? Status() : quota_->Charge(place.frame.FrameBytes());
}

void SnapshotAccount::Require(const PackId& pack) {
  const std::lock_guard lock(mutex_);
  reused_.insert(pack);
}

void SnapshotAccount::BeginPass() {
  const std::lock_guard lock(mutex_);
  reused_.clear();
}

std::vector<PackId> SnapshotAccount::ReusedPacks() {
  const std::lock_guard lock(mutex_);
  return {reused_.begin(), reused_.end()};
}

uint64_t SnapshotAccount::bytes_reused() {
  const std::lock_guard lock(mutex_);
  return bytes_reused_;
}

// Content that fills half a volume counts once; what is rare may count twice.
bool SnapshotAccount::WasSeen(const ContentId& id) {
  uint64_t& recent = recently_seen_[LoadLe<uint64_t>(id.bytes.data()) % recently_seen_.size()];
  const auto tag = LoadLe<uint64_t>(id.bytes.data() + 8);
  const bool seen = recent == tag;
  recent = tag;
  return seen;
}

}  // namespace varve
