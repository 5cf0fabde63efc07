#include "tree/tree_reader.h"

namespace varve {
namespace {

// About 2 MiB of leaves and inner nodes.
constexpr size_t kCachedNodesMax = 512;

size_t NodeBytes(uint32_t level, uint32_t entries) {
  return kNodeHeaderBytes + entries * (level == 0 ? kLeafEntryBytes : kInnerEntryBytes);
}

}  // namespace

TreeReader::TreeReader(Storage& storage, Index& index, const IdKey& id_key, const TreeRoot& root,
                       std::string name, uint32_t leaf_batch)
    : root_(root),
      name_(std::move(name)),
      leaf_batch_(leaf_batch),
      frames_(storage, index),
      hasher_(id_key) {}

std::string TreeReader::NodeName(uint32_t level, uint64_t index) const {
  return name_ + ": " + (level == 0 ? "leaf " : "node " + std::to_string(level) + "/") +
         std::to_string(index);
}

std::shared_ptr<const TreeNode> TreeReader::ZeroNode(uint32_t level, uint64_t index) const {
  auto node = std::make_shared<TreeNode>();
  const uint32_t entries = geometry().EntryCount(level, index);
  if (level == 0) {
    node->chunks.resize(entries);
  } else {
    node->children.resize(entries);
  }
  return node;
}

Result<std::shared_ptr<const TreeNode>> TreeReader::Node(uint32_t level, uint64_t index) {
  const std::lock_guard lock(mutex_);
  return NodeLocked(level, index);
}

Result<NodeRef> TreeReader::Reference(uint32_t level, uint64_t index) {
  const std::lock_guard lock(mutex_);
  if (level < geometry().root_level()) {
    VARVE_ASSIGN_OR_RETURN(const auto parent, NodeLocked(level + 1, index / kNodeFanout));
    return parent->children[index % kNodeFanout];
  }
  VARVE_ASSIGN_OR_RETURN(const auto root, NodeLocked(level, index));
  NodeRef reference{root_.id, 0};
  for (const NodeRef& child : root->children)
    reference.chunk_count += child.chunk_count;
  for (const ChunkRef& chunk : root->chunks)
    reference.chunk_count += chunk.IsZero() ? 0 : 1;
  return reference;
}

Result<ContentId> TreeReader::IdLocked(uint32_t level, uint64_t index) {
  if (level == geometry().root_level()) return root_.id;
  VARVE_ASSIGN_OR_RETURN(const auto parent, NodeLocked(level + 1, index / kNodeFanout));
  return parent->children[index % kNodeFanout].id;
}

Result<std::shared_ptr<const TreeNode>> TreeReader::NodeLocked(uint32_t level, uint64_t index) {
  VARVE_CHECK(level <= geometry().root_level() && index < geometry().NodeCount(level));
  const Position position{level, index};
  if (const auto found = cache_.find(position); found != cache_.end()) {
    ages_.splice(ages_.begin(), ages_, found->second.age);
    return found->second.node;
  }
  VARVE_ASSIGN_OR_RETURN(const ContentId id, IdLocked(level, index));
  if (id.IsZero()) return ZeroNode(level, index);
  VARVE_RETURN_IF_ERROR(LoadLocked(level, index, level == 0 ? leaf_batch_ : 1));
  return cache_.at(position).node;
}

// Loads the non-zero nodes among [first, first + count) that have the same parent and are not
// cached. The first one must load; the others are welcome to fail when somebody asks for them.
Status TreeReader::LoadLocked(uint32_t level, uint64_t first, uint32_t count) {
  const uint64_t siblings_end =
      std::min((first / kNodeFanout + 1) * kNodeFanout, geometry().NodeCount(level));
  const uint64_t end = std::min(first + count, siblings_end);
  std::vector<uint64_t> indexes;
  std::vector<FrameRequest> requests;
  std::vector<Bytes> buffers;
  for (uint64_t index = first; index < end; ++index) {
    VARVE_ASSIGN_OR_RETURN(const ContentId id, IdLocked(level, index));
    if (id.IsZero() || cache_.count({level, index}) != 0) continue;
    indexes.push_back(index);
    buffers.emplace_back(NodeBytes(level, geometry().EntryCount(level, index)));
    FrameRequest request;
    request.id = id;
    request.kind = level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
    requests.push_back(request);
  }
  for (size_t i = 0; i < requests.size(); ++i)
    requests[i].into = buffers[i];
  VARVE_RETURN_IF_ERROR(frames_.ReadMany(requests));
  // The first one last, so that it is the youngest in the cache.
  for (size_t i = requests.size(); i-- > 0;) {
    Result<TreeNode> node = DecodeLocked(level, indexes[i], requests[i]);
    if (node.ok()) {
      KeepLocked({level, indexes[i]}, *std::move(node));
    } else if (i == 0) {
      return node.status().WithContext(NodeName(level, indexes[i]));
    }
  }
  return {};
}

Result<TreeNode> TreeReader::DecodeLocked(uint32_t level, uint64_t index,
                                          const FrameRequest& request) {
  VARVE_RETURN_IF_ERROR(request.status);
  const ByteSpan bytes = request.into.first(request.length);
  if (hasher_.Compute(request.kind, bytes) != request.id) {
    return Corruption("node " + request.id.Hex() + ": its bytes have another id");
  }
  const uint32_t entries = geometry().EntryCount(level, index);
  const std::string name = "node " + request.id.Hex();
  TreeNode node;
  node.id = request.id;
  if (level == 0) {
    VARVE_ASSIGN_OR_RETURN(node.chunks, DecodeLeaf(name, bytes, entries));
  } else {
    VARVE_ASSIGN_OR_RETURN(node.children, DecodeInner(name, bytes, level, entries));
  }
  return node;
}

void TreeReader::KeepLocked(const Position& position, TreeNode node) {
  while (cache_.size() >= kCachedNodesMax) {
    cache_.erase(ages_.back());
    ages_.pop_back();
  }
  ages_.push_front(position);
  cache_[position] = {std::make_shared<const TreeNode>(std::move(node)), ages_.begin()};
}

}  // namespace varve
