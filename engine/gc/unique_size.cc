#include "gc/unique_size.h"

#include <unordered_map>

#include "store/frame_reader.h"
#include "tree/tree_reader.h"

namespace varve {
namespace {

constexpr uint32_t kShared = UINT32_MAX;
constexpr uint32_t kLeafBatch = 32;

// Who needs each chunk and node: one snapshot, by its number, or several.
class Owners {
 public:
  explicit Owners(Index& index) : index_(index) {}

  // True if it changed: then what is below it, or it stands on, has to be told too.
  bool Claim(const ContentId& id, uint32_t owner) {
    const auto [entry, is_new] = owners_.try_emplace(id, owner);
    if (is_new) return true;
    if (entry->second == owner || entry->second == kShared) return false;
    entry->second = kShared;
    return true;
  }

  // Bases belong to all who need a delta that stands on them.
  Status ClaimBases() {
    std::vector<ContentId> ids;
    for (const auto& [id, owner] : owners_)
      ids.push_back(id);
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(index_.FindMany(ids, &places));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!places[i]) continue;
      sizes_[ids[i]] = places[i]->frame.FrameBytes();
      if (places[i]->frame.encoding != Encoding::kDelta) continue;
      const ContentId base = places[i]->frame.base;
      Claim(base, owners_.at(ids[i]));
      VARVE_ASSIGN_OR_RETURN(const std::optional<Place> place, index_.Find(base));
      if (place) sizes_[base] = place->frame.FrameBytes();
    }
    return {};
  }

  template <typename Function>
  void ForEachUnique(const Function& function) const {
    for (const auto& [id, owner] : owners_) {
      const auto size = sizes_.find(id);
      if (owner != kShared && size != sizes_.end()) function(owner, size->second);
    }
  }

 private:
  Index& index_;
  std::unordered_map<ContentId, uint32_t> owners_;
  std::unordered_map<ContentId, uint64_t> sizes_;
};

// Descends only where something changes hands: each node is entered twice at most, over all
// snapshots.
class Walk {
 public:
  Walk(TreeReader& tree, Owners& owners, uint32_t owner, Progress& progress)
      : tree_(tree), owners_(owners), owner_(owner), progress_(progress) {}

  Status Enter(const ContentId& id, uint32_t level, uint64_t index) {
    if (id.IsZero() || !owners_.Claim(id, owner_)) return {};
    if (progress_.cancelled) return Cancelled("interrupted");
    VARVE_ASSIGN_OR_RETURN(const auto node, tree_.Node(level, index));
    for (const ChunkRef& chunk : node->chunks) {
      if (!chunk.IsZero()) owners_.Claim(chunk.id, owner_);
    }
    for (size_t i = 0; i < node->children.size(); ++i) {
      VARVE_RETURN_IF_ERROR(Enter(node->children[i].id, level - 1, index * kNodeFanout + i));
    }
    return {};
  }

 private:
  TreeReader& tree_;
  Owners& owners_;
  const uint32_t owner_;
  Progress& progress_;
};

}  // namespace

Result<std::map<SnapshotId, uint64_t>> UniqueSizes(Repository& repository, Progress& progress) {
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, repository.Snapshots(&damaged));
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  Owners owners(*index);
  std::map<SnapshotId, uint64_t> sizes;
  for (uint32_t i = 0; i < records.size(); ++i) {
    const SnapshotRecord& record = records[i];
    VARVE_ASSIGN_OR_RETURN(sizes[record.id], repository.storage().Size(SnapshotPath(record.id)));
    const TreeRoot root{record.root, TreeGeometry(record.size_bytes, record.chunk_size_bytes)};
    TreeReader tree(repository.storage(), *index, repository.config().id_key, root,
                    "snapshot " + record.id.Hex(), kLeafBatch);
    VARVE_RETURN_IF_ERROR(
        Walk(tree, owners, i, progress).Enter(root.id, root.geometry.root_level(), 0));
  }
  VARVE_RETURN_IF_ERROR(owners.ClaimBases());
  owners.ForEachUnique([&](uint32_t owner, uint64_t bytes) { sizes[records[owner].id] += bytes; });
  return sizes;
}

}  // namespace varve
