#include "snapshot/leaf_scheduler.h"

#include <algorithm>

namespace varve {

Status LeafScheduler::FindExtentLocked(uint64_t offset) {
  if (started_ && (!extent_ || extent_->end > offset)) return {};
  started_ = true;
  VARVE_ASSIGN_OR_RETURN(extent_, volume_.NextData(offset));
  return {};
}

Result<std::optional<LeafTask>> LeafScheduler::Next() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return std::optional<LeafTask>();
  if (progress_.cancelled.load(std::memory_order_relaxed)) return Cancelled("interrupted");
  VARVE_RETURN_IF_ERROR(FindExtentLocked(position_));
  if (!extent_) {
    progress_.bytes_done = geometry_.size_bytes();
    return std::optional<LeafTask>();
  }
  const uint64_t data_begin = std::max(position_, extent_->begin);
  LeafTask task;
  task.ticket = next_ticket_++;
  task.leaf = data_begin / geometry_.LeafBytes();
  const uint64_t leaf_end =
      std::min((task.leaf + 1) * geometry_.LeafBytes(), geometry_.size_bytes());
  uint64_t data_end = std::min(extent_->end, leaf_end);
  // The leaf's other extents belong to this task too.
  while (extent_ && extent_->begin < leaf_end) {
    data_end = std::min(extent_->end, leaf_end);
    if (extent_->end >= leaf_end) break;
    VARVE_RETURN_IF_ERROR(FindExtentLocked(extent_->end));
  }
  task.begin = RoundDown(data_begin, geometry_.chunk_size());
  task.end = std::min(RoundUp(data_end, geometry_.chunk_size()), leaf_end);
  position_ = leaf_end;
  progress_.bytes_done = task.begin;
  return std::optional<LeafTask>(task);
}

void LeafScheduler::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

}  // namespace varve
