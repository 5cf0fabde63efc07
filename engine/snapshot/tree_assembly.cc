#include "snapshot/tree_assembly.h"

#include <algorithm>

namespace varve {
namespace {

// Non-zero chunks of leaves [begin, end), in O(non-zero subtrees).
uint64_t CountChunks(OlderTree& tree, uint32_t level, uint64_t index, uint64_t begin,
                     uint64_t end) {
  const uint64_t leaves = TreeGeometry::ChunksBelow(level) / kLeafChunks;
  const uint64_t first = index * leaves;
  if (first >= end || first + leaves <= begin) return 0;
  const NodeRef reference = tree.Reference(level, index);
  if (reference.IsZero() || (first >= begin && first + leaves <= end)) {
    return reference.chunk_count;
  }
  uint64_t count = 0;
  for (uint32_t i = 0; i < tree.geometry().EntryCount(level, index); ++i) {
    count += CountChunks(tree, level - 1, index * kNodeFanout + i, begin, end);
  }
  return count;
}

}  // namespace

Status TreeAssembly::AppendGapLocked(uint64_t end_leaf) {
  if (end_leaf <= next_leaf_) return {};
  if (gaps_ == Gaps::kUnchanged) {
    VARVE_RETURN_IF_ERROR(builder_.AppendParentLeaves(end_leaf - next_leaf_));
    next_leaf_ = end_leaf;
    return {};
  }
  if (parent_ != nullptr && parent_->geometry().ChunkCount() > 0) {
    vanished_chunks_ +=
        CountChunks(*parent_, parent_->geometry().root_level(), 0, next_leaf_, end_leaf);
  }
  VARVE_RETURN_IF_ERROR(builder_.AppendZeroLeaves(end_leaf - next_leaf_));
  next_leaf_ = end_leaf;
  return {};
}

Status TreeAssembly::Submit(const LeafTask& task, const NodeRef& leaf) {
  const std::lock_guard lock(mutex_);
  early_[task.ticket] = {task.leaf, leaf};
  while (!early_.empty() && early_.begin()->first == next_ticket_) {
    const auto [index, node] = early_.begin()->second;
    early_.erase(early_.begin());
    VARVE_RETURN_IF_ERROR(AppendGapLocked(index));
    VARVE_RETURN_IF_ERROR(builder_.AppendLeaf(node));
    ++next_ticket_;
    ++next_leaf_;
  }
  return {};
}

Result<NodeRef> TreeAssembly::Finish() {
  const std::lock_guard lock(mutex_);
  VARVE_CHECK(early_.empty());
  VARVE_RETURN_IF_ERROR(AppendGapLocked(geometry_.NodeCount(0)));
  return builder_.Finish();
}

}  // namespace varve
