// Decoded, verified chunks by id, least recently used first out, bounded by bytes. Misses are
// single-flight: of all threads that miss a chunk one is told to load it, the others wait for it.
// Sharded, thread-safe. Chunks that are in use outlive their place in the cache.
#pragma once

#include <array>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/bytes.h"
#include "base/ids.h"

namespace varve {

// A buffer that is not zeroed before it is filled.
class ChunkBytes {
 public:
  explicit ChunkBytes(size_t size) : bytes_(new uint8_t[size]), size_(size) {}
  size_t size() const { return size_; }
  ByteSpan span() const { return {bytes_.get(), size_}; }
  MutableByteSpan span() { return {bytes_.get(), size_}; }

 private:
  const std::unique_ptr<uint8_t[]> bytes_;
  const size_t size_;
};

class ChunkCache {
 public:
  using Chunk = std::shared_ptr<const ChunkBytes>;
  struct Answer {
    Chunk chunk;        // not null: here it is
    bool mine = false;  // the caller loads it; neither of both: somebody else does
  };

  explicit ChunkCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Whoever is told `mine` calls Publish or Abandon soon, and waits for no chunk before.
  Answer Ask(const ContentId& id);
  void Publish(const ContentId& id, Chunk chunk);
  // It could not be loaded. Nothing is remembered of that: those who wait may try themselves.
  void Abandon(const ContentId& id);
  // Waits until nobody loads the chunk. Null if it is not here then.
  Chunk Wait(const ContentId& id);

  size_t bytes_max() const { return bytes_max_; }

 private:
  static constexpr size_t kShards = 16;
  struct Entry {
    Chunk chunk;  // null while it is being loaded
    std::list<ContentId>::iterator age;
  };
  struct Shard {
    std::mutex mutex;
    std::condition_variable settled;
    std::unordered_map<ContentId, Entry> entries;  // guarded by mutex, like all below
    std::list<ContentId> ages;                     // youngest first; loaded entries only
    size_t bytes = 0;
  };
  Shard& ShardOf(const ContentId& id) { return shards_[id.bytes[0] % kShards]; }

  const size_t bytes_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace varve
