#include "gc/marker.h"

#include <algorithm>

#include "format/node_format.h"

namespace varve {
namespace {
constexpr size_t kBatch = 128;
}  // namespace

SeenNodes::Key& SeenNodes::Slot(const Key& key) {
  size_t at = key[0] & (slots_.size() - 1);
  while (slots_[at] != Key{} && slots_[at] != key)
    at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void SeenNodes::Grow() {
  const std::vector<Key> old = std::move(slots_);
  slots_.assign(old.size() * 2, Key{});
  for (const Key& key : old) {
    if (key != Key{}) Slot(key) = key;
  }
}

bool SeenNodes::Insert(const ContentId& id) {
  if (4 * count_ >= 3 * slots_.size()) Grow();
  const Key key{LoadLe<uint64_t>(id.bytes.data()), LoadLe<uint64_t>(id.bytes.data() + 8) | 1};
  Key& slot = Slot(key);
  if (slot == key) return false;
  slot = key;
  ++count_;
  return true;
}

Status Marker::Push(const ContentId& id, uint32_t level) {
  if (id.IsZero() || !seen_.Insert(id)) return {};
  pending_.push_back({id, level});
  return live_.AddReference(id);
}

Status Marker::Mark(const SnapshotRecord& snapshot) {
  const TreeGeometry geometry(snapshot.size_bytes, snapshot.chunk_size_bytes);
  VARVE_RETURN_IF_ERROR(Push(snapshot.root, geometry.root_level()));
  while (!pending_.empty()) {
    if (progress_.cancelled) return Cancelled("interrupted");
    const Status walked = WalkBatch();
    if (!walked.ok()) return walked.WithContext("snapshot " + snapshot.id.Hex());
  }
  return {};
}

Status Marker::WalkBatch() {
  const size_t count = std::min(pending_.size(), kBatch);
  const std::vector<Pending> batch(pending_.end() - static_cast<ptrdiff_t>(count), pending_.end());
  pending_.resize(pending_.size() - count);
  buffer_.resize(kBatch * kNodeBytesMax);
  std::vector<FrameRequest> requests(count);
  for (size_t i = 0; i < count; ++i) {
    requests[i].id = batch[i].id;
    requests[i].kind = batch[i].level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
    requests[i].into = MutableByteSpan(buffer_).subspan(i * kNodeBytesMax, kNodeBytesMax);
  }
  VARVE_RETURN_IF_ERROR(frames_.ReadMany(requests));
  for (size_t i = 0; i < count; ++i) {
    VARVE_RETURN_IF_ERROR(requests[i].status);
    VARVE_RETURN_IF_ERROR(Enter(batch[i], requests[i].into.first(requests[i].length)));
  }
  return {};
}

Status Marker::Enter(const Pending& node, ByteSpan bytes) {
  const std::string name = "node " + node.id.Hex();
  const ContentKind kind = node.level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
  if (hasher_.Compute(kind, bytes) != node.id) {
    return Corruption(name + ": its bytes have another id");
  }
  if (bytes.size() < kNodeHeaderBytes) return Corruption(name + ": is too short");
  ++nodes_walked_;
  const auto entries = LoadLe<uint16_t>(bytes.data() + 2);
  if (node.level == 0) {
    VARVE_ASSIGN_OR_RETURN(const std::vector<ChunkRef> chunks, DecodeLeaf(name, bytes, entries));
    for (const ChunkRef& chunk : chunks) {
      if (!chunk.IsZero()) VARVE_RETURN_IF_ERROR(live_.AddReference(chunk.id));
    }
    return {};
  }
  VARVE_ASSIGN_OR_RETURN(const std::vector<NodeRef> children,
                         DecodeInner(name, bytes, node.level, entries));
  for (const NodeRef& child : children)
    VARVE_RETURN_IF_ERROR(Push(child.id, node.level - 1));
  return {};
}

}  // namespace varve
