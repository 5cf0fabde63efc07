// Walks the trees of snapshots from the root down, and brings back from sources what the repository
// cannot read any more: nodes and chunks. What no source has is lost, and the healer says which
// ranges of which volume that is.
//
// Identity proves everything: bytes are taken only if their id is the one that is missing, whoever
// offers them. A node that no source knows by id is computed anew from the volume's bytes: in a
// Merkle tree the right bytes give the right id. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/content_hasher.h"
#include "base/progress.h"
#include "base/status.h"
#include "format/node_format.h"
#include "heal/heal_source.h"
#include "restore/verifier.h"
#include "store/frame_reader.h"

namespace varve {

class TreeHealer {
 public:
  // Keeps what was brought back; called once per id.
  using Keep = std::function<Status(ContentKind kind, const ContentId& id, ByteSpan raw)>;

  // All borrowed. `index` knows which frames are damaged (ApplyDamage).
  TreeHealer(Repository& repository, Index& index, std::vector<HealSource*> sources, Keep keep);

  // Heals what it can of one snapshot; the ranges that stay lost, merged and ascending. The status
  // is a failure to look or to keep.
  Result<std::vector<HurtRange>> Heal(const SnapshotRecord& record, Progress& progress);

  // The root that the source's bytes of this snapshot have here. Taken from the source's record
  // where both know content by the same ids, else computed from all of its bytes.
  Result<ContentId> ComputeRoot(const SnapshotRecord& record, HealSource& source,
                                Progress& progress);

  // Per source: how many chunks and nodes came from it.
  const std::map<std::string, uint64_t>& healed_by_source() const { return healed_by_source_; }
  uint64_t healed() const { return healed_.size(); }

 private:
  // One snapshot under the healer's eyes.
  struct Walk {
    const SnapshotRecord& record;
    TreeGeometry geometry;
    Progress& progress;
    std::vector<HurtRange> lost;
  };

  Result<bool> VisitNode(Walk& walk, uint32_t level, uint64_t index, const ContentId& id);
  Result<bool> VisitLeaf(Walk& walk, uint64_t leaf, const std::vector<ChunkRef>& chunks);
  Result<bool> GetNode(Walk& walk, uint32_t level, uint64_t index, const ContentId& id,
                       Bytes* bytes);
  Status ReadNode(ContentKind kind, const ContentId& id, size_t size_bytes, Bytes* bytes);
  Result<bool> HealNode(Walk& walk, uint32_t level, uint64_t index, const ContentId& id,
                        Bytes* bytes);
  Result<bool> HealChunk(Walk& walk, uint64_t chunk_index, const ContentId& id);
  Status FindMissing(const std::vector<ChunkRef>& chunks, std::vector<size_t>* missing);
  // The node at a position as the source's bytes make it; a failure if they cannot be had.
  Result<NodeRef> Compute(Walk& walk, HealSource& source, uint32_t level, uint64_t index,
                          Bytes* bytes);
  Status KeepHealed(const HealSource& source, ContentKind kind, const ContentId& id, ByteSpan raw);
  void Lose(Walk& walk, uint64_t begin_chunk, uint64_t end_chunk, const std::string& why);

  Repository& repository_;
  Index& index_;
  const std::vector<HealSource*> sources_;
  const Keep keep_;
  FrameReader frames_;
  ContentHasher hasher_;
  Bytes leaf_bytes_;                            // scratch of Compute
  std::unordered_set<ContentId> whole_;         // subtrees that were found or made whole
  std::unordered_set<ContentId> healed_;        // ids that were brought back
  std::unordered_map<ContentId, Bytes> nodes_;  // healed nodes: they cannot be read back yet
  std::map<std::string, uint64_t> healed_by_source_;
};

}  // namespace varve
