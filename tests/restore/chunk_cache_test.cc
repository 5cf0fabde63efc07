#include "restore/chunk_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace varve {
namespace {

ContentId IdOf(uint32_t number) {
  ContentId id;
  StoreLe(id.bytes.data(), number);
  return id;
}

ChunkCache::Chunk ChunkOf(size_t size, uint8_t fill) {
  auto chunk = std::make_shared<ChunkBytes>(size);
  std::fill(chunk->span().begin(), chunk->span().end(), fill);
  return chunk;
}

TEST(ChunkCache, OneThreadLoadsAndAllOthersGetWhatItLoaded) {
  ChunkCache cache(1 << 20);
  std::atomic<int> loads{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (uint32_t id = 0; id < 200; ++id) {
        ChunkCache::Answer answer = cache.Ask(IdOf(id));
        if (answer.mine) {
          ++loads;
          cache.Publish(IdOf(id), ChunkOf(64, static_cast<uint8_t>(id)));
          continue;
        }
        if (answer.chunk == nullptr) answer.chunk = cache.Wait(IdOf(id));
        ASSERT_NE(answer.chunk, nullptr);
        EXPECT_EQ(answer.chunk->span()[63], static_cast<uint8_t>(id));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(loads, 200);
}

TEST(ChunkCache, AFailureIsNotRemembered) {
  ChunkCache cache(1 << 20);
  EXPECT_TRUE(cache.Ask(IdOf(1)).mine);
  EXPECT_FALSE(cache.Ask(IdOf(1)).mine);
  std::thread waiter([&] {
    // Whether it comes before or after the failure, it ends with the right to try.
    EXPECT_EQ(cache.Wait(IdOf(1)), nullptr);
    EXPECT_TRUE(cache.Ask(IdOf(1)).mine);
    cache.Publish(IdOf(1), ChunkOf(8, 1));
  });
  cache.Abandon(IdOf(1));
  waiter.join();
  EXPECT_NE(cache.Ask(IdOf(1)).chunk, nullptr);
}

TEST(ChunkCache, StaysWithinItsBytesAndDropsTheOldest) {
  ChunkCache cache(16 * 4 * 1000);  // four chunks in each shard
  std::vector<std::weak_ptr<const ChunkBytes>> alive;
  const auto publish = [&](uint32_t id) {
    EXPECT_TRUE(cache.Ask(IdOf(id * 256)).mine);  // all in one shard
    const ChunkCache::Chunk chunk = ChunkOf(1000, 0);
    alive.push_back(chunk);
    cache.Publish(IdOf(id * 256), chunk);
  };
  for (uint32_t id = 0; id < 4; ++id)
    publish(id);
  EXPECT_NE(cache.Ask(IdOf(0)).chunk, nullptr);  // the oldest becomes the youngest
  publish(4);
  publish(5);
  EXPECT_FALSE(alive[0].expired());
  EXPECT_TRUE(alive[1].expired());
  EXPECT_TRUE(alive[2].expired());
  EXPECT_FALSE(alive[3].expired());
}

TEST(ChunkCache, KeepsAChunkThatIsLargerThanItselfUntilTheNext) {
  ChunkCache cache(100);
  EXPECT_TRUE(cache.Ask(IdOf(0)).mine);
  cache.Publish(IdOf(0), ChunkOf(1000, 7));
  EXPECT_NE(cache.Wait(IdOf(0)), nullptr);
  EXPECT_TRUE(cache.Ask(IdOf(256)).mine);
  cache.Publish(IdOf(256), ChunkOf(1000, 7));
  EXPECT_EQ(cache.Wait(IdOf(0)), nullptr);
}

}  // namespace
}  // namespace varve
