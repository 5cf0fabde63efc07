#include "restore/chunk_cache.h"

#include <vector>

#include "base/status.h"

namespace varve {

ChunkCache::Answer ChunkCache::Ask(const ContentId& id) {
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto [entry, added] = shard.entries.try_emplace(id);
  if (added) return {nullptr, true};
  if (entry->second.chunk != nullptr) {
    shard.ages.splice(shard.ages.begin(), shard.ages, entry->second.age);
  }
  return {entry->second.chunk, false};
}

void ChunkCache::Publish(const ContentId& id, Chunk chunk) {
  Shard& shard = ShardOf(id);
  std::vector<Chunk> dropped;  // freed without the lock
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(id);
  VARVE_CHECK(entry != shard.entries.end() && entry->second.chunk == nullptr);
  // The newest one stays whatever its size, so that those who wait for it get it.
  while (!shard.ages.empty() && shard.bytes + chunk->size() > bytes_max_ / kShards) {
    const auto oldest = shard.entries.find(shard.ages.back());
    shard.bytes -= oldest->second.chunk->size();
    dropped.push_back(std::move(oldest->second.chunk));
    shard.entries.erase(oldest);
    shard.ages.pop_back();
  }
  shard.bytes += chunk->size();
  shard.ages.push_front(id);
  entry->second = {std::move(chunk), shard.ages.begin()};
  shard.settled.notify_all();
}

void ChunkCache::Abandon(const ContentId& id) {
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(id);
  VARVE_CHECK(entry != shard.entries.end() && entry->second.chunk == nullptr);
  shard.entries.erase(entry);
  shard.settled.notify_all();
}

ChunkCache::Chunk ChunkCache::Wait(const ContentId& id) {
  Shard& shard = ShardOf(id);
  std::unique_lock lock(shard.mutex);
  while (true) {
    const auto entry = shard.entries.find(id);
    if (entry == shard.entries.end()) return nullptr;
    if (entry->second.chunk != nullptr) {
      shard.ages.splice(shard.ages.begin(), shard.ages, entry->second.age);
      return entry->second.chunk;
    }
    shard.settled.wait(lock);
  }
}

}  // namespace varve
