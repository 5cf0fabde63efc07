// Stores tree nodes: once each, as deltas against the parent snapshot's node at the same place.
// Thread-compatible: one per worker.
#pragma once

#include "base/status.h"
#include "snapshot/snapshot_plant.h"
#include "store/frame_reader.h"
#include "tree/tree_builder.h"

namespace varve {

class NodeStorer {
 public:
  // What a storer needs of the plant; all borrowed. `prove`: a node that the index knows counts
  // only if it reads back.
  NodeStorer(Storage& storage, Index& index, PendingIds& pending, PackStream& packs,
             SnapshotAccount& account, bool prove, int compression_level);

  // Stores the node unless it is stored already.
  Status Store(const NewNode& node);

 private:
  Result<bool> IsKnown(const NewNode& node, std::optional<Place>* place);
  Status FindBase(const NewNode& node, std::optional<DeltaBase>* base);

  Index& index_;
  PendingIds& pending_;
  PackStream& packs_;
  SnapshotAccount& account_;
  const bool prove_;
  FrameReader frames_;
  FrameWriter writer_;
  FrameBatch batch_;
  Bytes older_bytes_;
};

}  // namespace varve
