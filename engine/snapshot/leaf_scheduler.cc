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
  VARVE_ASSIGN_OR_RETURN(std::optional<LeafTask> task, candidates_ == nullptr
                                                           ? NextWithDataLocked()
                                                           : NextWithCandidatesLocked());
  if (!task) {
    progress_.bytes_done = geometry_.size_bytes();
    return task;
  }
  task->ticket = next_ticket_++;
  position_ = std::min((task->leaf + 1) * geometry_.LeafBytes(), geometry_.size_bytes());
  progress_.bytes_done = task->leaf * geometry_.LeafBytes();
  return task;
}

Result<std::optional<LeafTask>> LeafScheduler::NextWithDataLocked() {
  VARVE_RETURN_IF_ERROR(FindExtentLocked(position_));
  if (!extent_) return std::optional<LeafTask>();
  const uint64_t data_begin = std::max(position_, extent_->begin);
  LeafTask task;
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
  const uint64_t begin = RoundDown(data_begin, geometry_.chunk_size());
  const uint64_t end = std::min(RoundUp(data_end, geometry_.chunk_size()), leaf_end);
  task.runs.push_back({begin, end - begin});
  return std::optional<LeafTask>(std::move(task));
}

Result<std::optional<LeafTask>> LeafScheduler::NextWithCandidatesLocked() {
  const std::optional<uint64_t> leaf =
      candidates_->NextLeaf(DivideUp(position_, geometry_.LeafBytes()));
  if (!leaf) return std::optional<LeafTask>();
  LeafTask task;
  task.leaf = *leaf;
  task.sampled = candidates_->SampledOf(*leaf);
  const uint64_t wanted = candidates_->ChangedOf(*leaf) | task.sampled;
  task.taken_over = ~wanted;
  for (uint32_t i = 0; i < geometry_.EntryCount(0, *leaf); ++i) {
    if ((wanted >> i & 1) == 0) continue;
    const uint64_t chunk = *leaf * kLeafChunks + i;
    const uint64_t begin = chunk * geometry_.chunk_size();
    const uint64_t end = begin + geometry_.ChunkLength(chunk);
    VARVE_RETURN_IF_ERROR(FindExtentLocked(begin));
    if (!extent_ || extent_->begin >= end) continue;  // a hole is zero without being read
    if (!task.runs.empty() && task.runs.back().offset + task.runs.back().length == begin) {
      task.runs.back().length += end - begin;
    } else {
      task.runs.push_back({begin, end - begin});
    }
  }
  return std::optional<LeafTask>(std::move(task));
}

void LeafScheduler::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

}  // namespace varve
