// Decoded, verified chunks by id, least recently used first out, bounded by bytes; misses are
// single-flight. Sharded, thread-safe.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace varve {

class ChunkCache {
 public:
  using Chunk = std::shared_ptr<const Bytes>;

  explicit ChunkCache(size_t bytes_max) : shard_bytes_max_(bytes_max / kShards) {}

  // The chunk from the cache, or from `load`, which one thread at a time runs per id, without any
  // lock held. A failure goes to the thread that loaded; those that waited try for themselves.
  Result<Chunk> Get(const ContentId& id, const std::function<Result<Chunk>()>& load);

 private:
  static constexpr size_t kShards = 16;
  struct Entry {
    Chunk chunk;  // null while it is being loaded
    std::list<ContentId>::iterator age;
  };
  struct Shard {
    std::mutex mutex;
    std::condition_variable loaded;
    std::unordered_map<ContentId, Entry> entries;  // guarded by mutex, like all below
    std::list<ContentId> ages;                     // youngest first; loaded entries only
    size_t bytes = 0;
  };
  void InsertLocked(Shard& shard, const ContentId& id, const Chunk& chunk);

  const size_t shard_bytes_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace varve
