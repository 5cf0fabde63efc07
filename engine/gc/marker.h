// Walks the trees of snapshots and tells a LiveSet what they need. A subtree that several of them
// share is walked once, over all calls. Thread-compatible.
#pragma once

#include <vector>

#include "base/content_hasher.h"
#include "base/progress.h"
#include "format/snapshot_record.h"
#include "gc/live_set.h"
#include "store/frame_reader.h"

namespace varve {

// Node ids seen, by 128 of their bits: open addressing, 16 bytes an entry.
class SeenNodes {
 public:
  SeenNodes() : slots_(size_t{1} << 12) {}
  // False if it was seen before.
  bool Insert(const ContentId& id);

 private:
  using Key = std::array<uint64_t, 2>;
  Key& Slot(const Key& key);
  void Grow();

  std::vector<Key> slots_;
  size_t count_ = 0;
};

class Marker {
 public:
  // All borrowed.
  Marker(Storage& storage, Index& index, const IdKey& id_key, LiveSet& live, Progress& progress)
      : frames_(storage, index), hasher_(id_key), live_(live), progress_(progress) {}

  // Any node that cannot be read, or is not what its id says, is an error: then nothing may be
  // judged (G3).
  Status Mark(const SnapshotRecord& snapshot);
  uint64_t nodes_walked() const { return nodes_walked_; }

 private:
  struct Pending {
    ContentId id;
    uint32_t level = 0;
  };

  Status Push(const ContentId& id, uint32_t level);
  Status WalkBatch();
  Status Enter(const Pending& node, ByteSpan bytes);

  FrameReader frames_;
  ContentHasher hasher_;
  LiveSet& live_;
  Progress& progress_;
  SeenNodes seen_;
  std::vector<Pending> pending_;  // a stack: depth times fan-out at most, and a batch
  Bytes buffer_;
  uint64_t nodes_walked_ = 0;
};

}  // namespace varve
