// Tree nodes (FORMAT.md §7): bytes <-> entries, and the geometry that says which nodes a volume
// has. Pure functions and plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"

namespace varve {

inline constexpr size_t kNodeHeaderBytes = 8;
inline constexpr size_t kLeafEntryBytes = 48;
inline constexpr size_t kInnerEntryBytes = 40;
inline constexpr size_t kNodeBytesMax = kNodeHeaderBytes + size_t{kNodeFanout} * kInnerEntryBytes;
static_assert(kNodeHeaderBytes + size_t{kLeafChunks} * kLeafEntryBytes <= kNodeBytesMax);
static_assert(kNodeBytesMax <= kFrameRawMax);

// One chunk as a leaf names it. Zero chunks have zero in both.
struct ChunkRef {
  ContentId id;
  Fingerprint fingerprint;
  bool IsZero() const { return id.IsZero(); }
  friend bool operator==(const ChunkRef&, const ChunkRef&) = default;
};

// One node as its parent names it. A subtree of zeros has zero in both.
struct NodeRef {
  ContentId id;
  uint64_t chunk_count = 0;  // non-zero chunks below it
  bool IsZero() const { return id.IsZero(); }
  friend bool operator==(const NodeRef&, const NodeRef&) = default;
};

// Which chunks and nodes a volume of a size has.
class TreeGeometry {
 public:
  TreeGeometry(uint64_t size_bytes, uint32_t chunk_size_bytes)
      : size_bytes_(size_bytes), chunk_size_(chunk_size_bytes) {
    while (NodeCount(root_level_) > 1)
      ++root_level_;
  }

  uint64_t size_bytes() const { return size_bytes_; }
  uint32_t chunk_size() const { return chunk_size_; }
  uint64_t ChunkCount() const { return DivideUp(size_bytes_, chunk_size_); }
  // Length of chunk `index`: the chunk size, or less for the last one.
  uint32_t ChunkLength(uint64_t index) const {
    return static_cast<uint32_t>(
        std::min<uint64_t>(chunk_size_, size_bytes_ - index * chunk_size_));
  }
  uint64_t LeafBytes() const { return uint64_t{chunk_size_} * kLeafChunks; }
  uint32_t root_level() const { return root_level_; }
  // How many nodes of `level` there are; level 0 are the leaves.
  uint64_t NodeCount(uint32_t level) const { return DivideUp(ChunkCount(), ChunksBelow(level)); }
  // How many chunks a full node of `level` covers.
  static uint64_t ChunksBelow(uint32_t level) {
    uint64_t chunks = kLeafChunks;
    for (uint32_t i = 0; i < level; ++i)
      chunks *= kNodeFanout;
    return chunks;
  }
  // Entries of node `index` of `level`.
  uint32_t EntryCount(uint32_t level, uint64_t index) const {
    const uint64_t below = level == 0 ? ChunkCount() : NodeCount(level - 1);
    const uint64_t fanout = level == 0 ? kLeafChunks : kNodeFanout;
    return static_cast<uint32_t>(std::min(fanout, below - index * fanout));
  }

 private:
  uint64_t size_bytes_;
  uint32_t chunk_size_;
  uint32_t root_level_ = 0;
};

Bytes EncodeLeaf(const std::vector<ChunkRef>& entries);
Bytes EncodeInner(uint32_t level, const std::vector<NodeRef>& entries);

// `entry_count` is what the geometry says; anything else is Corruption. `name` is for messages.
Result<std::vector<ChunkRef>> DecodeLeaf(const std::string& name, ByteSpan bytes,
                                         uint32_t entry_count);
Result<std::vector<NodeRef>> DecodeInner(const std::string& name, ByteSpan bytes, uint32_t level,
                                         uint32_t entry_count);

}  // namespace varve
