// Reads the Merkle tree of one snapshot: chunk references and node references by position. Every
// node is checked against its id before anything in it is believed.
//
// Thread-safe. Nodes are cached (bounded); a scan loads the leaves of its neighbourhood together,
// because they lie together.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/content_hasher.h"
#include "base/status.h"
#include "format/node_format.h"
#include "store/frame_reader.h"

namespace varve {

struct TreeRoot {
  ContentId id;  // zero for a volume of zeros
  TreeGeometry geometry;
};

// One decoded node: chunks at level 0, children otherwise. Never empty.
struct TreeNode {
  ContentId id;  // zero for a subtree of zeros
  std::vector<ChunkRef> chunks;
  std::vector<NodeRef> children;
};

class TreeReader {
 public:
  // `leaf_batch` leaves are loaded at once when one is missing: 1 for random access, more for
  // scans. Storage and index are borrowed. `name` is for messages ("snapshot 1f2e…").
  TreeReader(Storage& storage, Index& index, const IdKey& id_key, const TreeRoot& root,
             std::string name, uint32_t leaf_batch);

  const TreeGeometry& geometry() const { return root_.geometry; }
  const ContentId& root_id() const { return root_.id; }

  // The node at a position that the geometry has. Zero nodes have zero entries.
  Result<std::shared_ptr<const TreeNode>> Node(uint32_t level, uint64_t index);
  Result<std::shared_ptr<const TreeNode>> Leaf(uint64_t index) { return Node(0, index); }
  // How its parent names the node. The root's count is the sum of its entries.
  Result<NodeRef> Reference(uint32_t level, uint64_t index);

 private:
  using Position = std::pair<uint32_t, uint64_t>;
  struct Cached {
    std::shared_ptr<const TreeNode> node;
    std::list<Position>::iterator age;
  };

  Result<std::shared_ptr<const TreeNode>> NodeLocked(uint32_t level, uint64_t index);
  Result<ContentId> IdLocked(uint32_t level, uint64_t index);
  Status LoadLocked(uint32_t level, uint64_t first, uint32_t count);
  Result<TreeNode> DecodeLocked(uint32_t level, uint64_t index, const FrameRequest& request);
  void KeepLocked(const Position& position, TreeNode node);
  std::shared_ptr<const TreeNode> ZeroNode(uint32_t level, uint64_t index) const;
  std::string NodeName(uint32_t level, uint64_t index) const;

  const TreeRoot root_;
  const std::string name_;
  const uint32_t leaf_batch_;
  std::mutex mutex_;
  FrameReader frames_;  // guarded by mutex_, like all below
  ContentHasher hasher_;
  std::map<Position, Cached> cache_;
  std::list<Position> ages_;  // youngest first
};

}  // namespace varve
