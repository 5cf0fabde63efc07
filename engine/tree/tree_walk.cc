#include "tree/tree_walk.h"

namespace varve {

Result<std::optional<uint64_t>> NextNonZeroLeaf(TreeReader& tree, uint64_t from) {
  const TreeGeometry& geometry = tree.geometry();
  if (tree.root_id().IsZero()) return std::optional<uint64_t>();
  uint64_t leaf = from;
  while (leaf < geometry.NodeCount(0)) {
    // The highest zero node that begins or continues here says how far to skip.
    uint64_t leaves = 1;
    uint64_t skip = 0;
    for (uint32_t level = 0; level <= geometry.root_level(); ++level, leaves *= kNodeFanout) {
      VARVE_ASSIGN_OR_RETURN(const NodeRef reference, tree.Reference(level, leaf / leaves));
      if (!reference.IsZero()) break;
      skip = (leaf / leaves + 1) * leaves - leaf;
    }
    if (skip == 0) return std::optional<uint64_t>(leaf);
    leaf += skip;
  }
  return std::optional<uint64_t>();
}

}  // namespace varve
