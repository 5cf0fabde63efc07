// Builds the tree of a snapshot from its leaves, in order. Keeps one unfinished node per level.
// One thread.
#pragma once

#include <functional>
#include <vector>

#include "base/content_hasher.h"
#include "base/status.h"
#include "format/node_format.h"
#include "tree/older_tree.h"

namespace varve {

// A node that must be stored. `older` is the node at the same place of the parent snapshot, a good
// base for a delta, or nothing.
struct NewNode {
  uint32_t level = 0;
  ContentId id;
  ByteSpan bytes;
  std::shared_ptr<const TreeNode> older;
};

class TreeBuilder {
 public:
  using StoreNode = std::function<Status(const NewNode&)>;

  // `parent` (borrowed, may be null) is the tree of the snapshot before: nodes equal to its nodes
  // are not stored again. Its chunk size must be the same. `store` gets every other inner node;
  // leaves are stored by whoever makes them.
  TreeBuilder(const TreeGeometry& geometry, const IdKey& id_key, OlderTree* parent,
              StoreNode store);

  Status AppendLeaf(const NodeRef& leaf);
  Status AppendZeroLeaves(uint64_t count);
  // Takes over the parent's next `count` leaves, whole subtrees at once: O(depth), whatever the
  // count. The parent's tree must have the same geometry, and whoever calls this must look at its
  // damage() afterwards: what cannot be read of it was taken for zeros.
  Status AppendParentLeaves(uint64_t count);
  // After all leaves: the root.
  Result<NodeRef> Finish();

 private:
  Status Append(uint32_t level, const NodeRef& node);
  Status AppendZeros(uint32_t level, uint64_t count);
  Status AppendFromParent(uint32_t level, uint64_t count);
  Result<NodeRef> Complete(uint32_t level, uint64_t index, const std::vector<NodeRef>& children);

  const TreeGeometry geometry_;
  ContentHasher hasher_;
  OlderTree* const parent_;
  const StoreNode store_;
  struct Level {
    uint64_t appended = 0;          // nodes of this level so far
    std::vector<NodeRef> siblings;  // those whose parent is not complete yet
  };
  std::vector<Level> levels_;
};

}  // namespace varve
