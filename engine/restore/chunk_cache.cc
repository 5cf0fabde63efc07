#include "restore/chunk_cache.h"

namespace varve {

Result<ChunkCache::Chunk> ChunkCache::Get(const ContentId& id,
                                          const std::function<Result<Chunk>()>& load) {
  Shard& shard = shards_[id.bytes[0] % kShards];
  {
    std::unique_lock lock(shard.mutex);
    while (true) {
      const auto found = shard.entries.find(id);
      if (found == shard.entries.end()) break;  // ours to load
      if (found->second.chunk != nullptr) {
        shard.ages.splice(shard.ages.begin(), shard.ages, found->second.age);
        return found->second.chunk;
      }
      // Somebody loads it. If that fails the entry is gone and we try ourselves.
      shard.loaded.wait(lock);
    }
    shard.entries[id] = {};
  }
  Result<Chunk> chunk = load();
  const std::lock_guard lock(shard.mutex);
  shard.entries.erase(id);
  if (chunk.ok()) InsertLocked(shard, id, *chunk);
  shard.loaded.notify_all();
  return chunk;
}

void ChunkCache::InsertLocked(Shard& shard, const ContentId& id, const Chunk& chunk) {
  while (!shard.ages.empty() && shard.bytes + chunk->size() > shard_bytes_max_) {
    const auto oldest = shard.entries.find(shard.ages.back());
    shard.bytes -= oldest->second.chunk->size();
    shard.entries.erase(oldest);
    shard.ages.pop_back();
  }
  shard.ages.push_front(id);
  shard.entries[id] = {chunk, shard.ages.begin()};
  shard.bytes += chunk->size();
}

}  // namespace varve
