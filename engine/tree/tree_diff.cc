#include "tree/tree_diff.h"

#include <algorithm>

namespace varve {
namespace {

// One of the two trees, as if it were as high and as wide as the other.
class Side {
 public:
  explicit Side(TreeReader& tree) : tree_(tree) {}

  // The id at a position; zero where the volume has nothing. `known` is false for the virtual
  // nodes above a lower root, which have no id.
  struct Identity {
    ContentId id;
    bool known = true;
  };
  Result<Identity> At(uint32_t level, uint64_t index) {
    if (level > tree_.geometry().root_level()) {
      return index == 0 ? Identity{{}, tree_.root_id().IsZero()} : Identity{};
    }
    if (index >= tree_.geometry().NodeCount(level)) return Identity{};
    VARVE_ASSIGN_OR_RETURN(const NodeRef reference, tree_.Reference(level, index));
    return Identity{reference.id, true};
  }

  Result<ChunkRef> Chunk(uint64_t index) {
    if (index >= tree_.geometry().ChunkCount()) return ChunkRef{};
    VARVE_ASSIGN_OR_RETURN(const auto leaf, tree_.Leaf(index / kLeafChunks));
    return leaf->chunks[index % kLeafChunks];
  }

 private:
  TreeReader& tree_;
};

class Diff {
 public:
  Diff(TreeReader& a, TreeReader& b, const std::function<Status(uint64_t)>& on_chunk)
      : a_(a),
        b_(b),
        chunk_count_(std::max(a.geometry().ChunkCount(), b.geometry().ChunkCount())),
        on_chunk_(on_chunk) {}

  Status Visit(uint32_t level, uint64_t index) {
    VARVE_ASSIGN_OR_RETURN(const Side::Identity in_a, a_.At(level, index));
    VARVE_ASSIGN_OR_RETURN(const Side::Identity in_b, b_.At(level, index));
    if (in_a.known && in_b.known && in_a.id == in_b.id) return {};
    if (level == 0) return VisitLeaf(index);
    const uint64_t chunks_per_child = TreeGeometry::ChunksBelow(level - 1);
    for (uint64_t child = index * kNodeFanout; child < (index + 1) * kNodeFanout; ++child) {
      if (child * chunks_per_child >= chunk_count_) break;
      VARVE_RETURN_IF_ERROR(Visit(level - 1, child));
    }
    return {};
  }

 private:
  Status VisitLeaf(uint64_t leaf) {
    const uint64_t end = std::min((leaf + 1) * kLeafChunks, chunk_count_);
    for (uint64_t index = leaf * kLeafChunks; index < end; ++index) {
      VARVE_ASSIGN_OR_RETURN(const ChunkRef in_a, a_.Chunk(index));
      VARVE_ASSIGN_OR_RETURN(const ChunkRef in_b, b_.Chunk(index));
      if (in_a.id != in_b.id) VARVE_RETURN_IF_ERROR(on_chunk_(index));
    }
    return {};
  }

  Side a_;
  Side b_;
  const uint64_t chunk_count_;
  const std::function<Status(uint64_t)>& on_chunk_;
};

}  // namespace

Status DiffTrees(TreeReader& a, TreeReader& b, const std::function<Status(uint64_t)>& on_chunk) {
  if (a.geometry().chunk_size() != b.geometry().chunk_size()) {
    return InvalidArgument(
        "the snapshots have different chunk sizes: " + std::to_string(a.geometry().chunk_size()) +
        " and " + std::to_string(b.geometry().chunk_size()));
  }
  if (a.geometry().ChunkCount() == 0 && b.geometry().ChunkCount() == 0) return {};
  const uint32_t top = std::max(a.geometry().root_level(), b.geometry().root_level());
  return Diff(a, b, on_chunk).Visit(top, 0);
}

}  // namespace varve
