#include "tree/tree_builder.h"

#include <algorithm>

namespace varve {

TreeBuilder::TreeBuilder(const TreeGeometry& geometry, const IdKey& id_key, OlderTree* parent,
                         StoreNode store)
    : geometry_(geometry),
      hasher_(id_key),
      parent_(parent),
      store_(std::move(store)),
      levels_(geometry.root_level() + 1) {}

Status TreeBuilder::AppendLeaf(const NodeRef& leaf) {
  return Append(0, leaf);
}

Status TreeBuilder::AppendZeroLeaves(uint64_t count) {
  return AppendZeros(0, count);
}

Status TreeBuilder::AppendZeros(uint32_t level, uint64_t count) {
  while (count > 0) {
    const bool aligned = levels_[level].siblings.empty() && level < geometry_.root_level();
    if (aligned && count >= kNodeFanout) {
      const uint64_t parents = count / kNodeFanout;  // whole subtrees at once
      levels_[level].appended += parents * kNodeFanout;
      VARVE_RETURN_IF_ERROR(AppendZeros(level + 1, parents));
      count -= parents * kNodeFanout;
    } else {
      VARVE_RETURN_IF_ERROR(Append(level, NodeRef{}));
      --count;
    }
  }
  return {};
}

Status TreeBuilder::AppendParentLeaves(uint64_t count) {
  VARVE_CHECK(count == 0 ||
              (parent_ != nullptr && parent_->geometry().size_bytes() == geometry_.size_bytes() &&
               parent_->geometry().chunk_size() == geometry_.chunk_size()));
  return AppendFromParent(0, count);
}

Status TreeBuilder::AppendFromParent(uint32_t level, uint64_t count) {
  while (count > 0) {
    const uint64_t index = levels_[level].appended;
    const uint64_t siblings = std::min<uint64_t>(kNodeFanout, geometry_.NodeCount(level) - index);
    const bool aligned = levels_[level].siblings.empty() && level < geometry_.root_level();
    if (aligned && count >= siblings) {
      // Whole subtrees; the level's last one may be narrower.
      const bool to_the_end = count == geometry_.NodeCount(level) - index;
      const uint64_t parents = to_the_end ? DivideUp(count, kNodeFanout) : count / kNodeFanout;
      const uint64_t covered = to_the_end ? count : parents * kNodeFanout;
      levels_[level].appended += covered;
      VARVE_RETURN_IF_ERROR(AppendFromParent(level + 1, parents));
      count -= covered;
    } else {
      VARVE_RETURN_IF_ERROR(Append(level, parent_->Reference(level, index)));
      --count;
    }
  }
  return {};
}

Status TreeBuilder::Append(uint32_t level, const NodeRef& node) {
  Level& here = levels_[level];
  VARVE_CHECK(here.appended < geometry_.NodeCount(level));
  here.siblings.push_back(node);
  ++here.appended;
  if (level == geometry_.root_level()) return {};
  const bool last = here.appended == geometry_.NodeCount(level);
  if (here.siblings.size() < kNodeFanout && !last) return {};
  const uint64_t parent_index = (here.appended - 1) / kNodeFanout;
  VARVE_ASSIGN_OR_RETURN(const NodeRef parent, Complete(level + 1, parent_index, here.siblings));
  here.siblings.clear();
  return Append(level + 1, parent);
}

Result<NodeRef> TreeBuilder::Complete(uint32_t level, uint64_t index,
                                      const std::vector<NodeRef>& children) {
  NodeRef reference;
  for (const NodeRef& child : children)
    reference.chunk_count += child.chunk_count;
  if (reference.chunk_count == 0) return NodeRef{};
  const Bytes bytes = EncodeInner(level, children);
  reference.id = hasher_.Compute(ContentKind::kInner, bytes);
  const auto older = parent_ == nullptr ? nullptr : parent_->Node(level, index);
  if (older != nullptr && older->id == reference.id) return reference;
  VARVE_RETURN_IF_ERROR(store_({level, reference.id, bytes, older}));
  return reference;
}

Result<NodeRef> TreeBuilder::Finish() {
  if (geometry_.ChunkCount() == 0) return NodeRef{};
  const Level& top = levels_.back();
  VARVE_CHECK(top.siblings.size() == 1 && levels_[0].appended == geometry_.NodeCount(0));
  return top.siblings[0];
}

}  // namespace varve
