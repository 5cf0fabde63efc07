// One worker of the write path: takes leaves from the scheduler and carries each through
// fingerprint, compare, id, lookup, encode while its bytes are in the cache (engine.md, "Reading
// the volume": run to completion, no relay between threads). The next leaves are read meanwhile.
// One thread each.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/status.h"
#include "io/block_reader.h"
#include "snapshot/node_storer.h"
#include "snapshot/snapshot_plant.h"
#include "store/frame_reader.h"
#include "store/frame_writer.h"

namespace varve {

class LeafWorker {
 public:
  // Leaves that a worker holds: one at work, the others being read.
  static constexpr size_t kSlots = 3;
  // Chunks that are hashed together: few enough to be in the cache since their fingerprint.
  static constexpr size_t kHashBatch = 4;

  LeafWorker(SnapshotPlant& plant, std::unique_ptr<BlockReader> reader);

  // Works until there are no more leaves, or fails.
  Status Run();

 private:
  struct Reading {
    LeafTask task;
    size_t slot = 0;
  };
  // A chunk that differs from the parent's at the same place, or that is to be stored again.
  struct Changed {
    uint32_t position = 0;  // within the leaf
    ByteSpan bytes;
    // No delta: it takes the place of a frame that is damaged or cannot be decoded.
    bool whole = false;
    // What a delta of it may stand on, if there is something.
    std::optional<DeltaBase> base;
  };

  Status StartReads();
  Status ProcessLeaf(const LeafTask& task, ByteSpan bytes);
  void FindChanged(const LeafTask& task, ByteSpan bytes);
  // The task's bytes of a chunk; empty where the leaf has a hole.
  ByteSpan ChunkBytes(const LeafTask& task, ByteSpan bytes, uint32_t position) const;
  ChunkRef OlderChunk(uint32_t position) const;
  void IdentifyPending();
  Status FindLost(const LeafTask& task, ByteSpan bytes);
  Status KeepUnknown();
  Status FindBases();
  Status StoreChanged();
  Result<NodeRef> StoreLeaf();

  SnapshotPlant& plant_;
  const std::unique_ptr<BlockReader> reader_;
  ContentHasher hasher_;
  FrameReader frames_;
  FrameWriter writer_;
  FrameBatch batch_;
  NodeStorer nodes_;
  AlignedBuffer bases_;
  std::deque<Reading> reading_;
  size_t next_slot_ = 0;

  // The leaf at work.
  std::shared_ptr<const TreeNode> older_;  // the parent's leaf at this place; null if zero
  std::vector<ChunkRef> chunks_;
  std::vector<uint32_t> unidentified_;        // positions of chunks that need an id,
  std::vector<ByteSpan> unidentified_bytes_;  // and their bytes
  std::vector<ContentId> ids_;
  std::vector<Changed> changed_;
};

}  // namespace varve
