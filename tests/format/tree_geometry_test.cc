#include <gtest/gtest.h>

#include "format/node_format.h"

namespace varve {
namespace {

constexpr uint32_t kSizes[] = {kChunkSizeMin, kChunkSizeDefault, kChunkSizeMax};

TEST(TreeGeometry, AnEmptyVolumeHasNoChunksAndNoNodes) {
  for (const uint32_t chunk_size : kSizes) {
    const TreeGeometry geometry(0, chunk_size);
    EXPECT_EQ(geometry.ChunkCount(), 0U);
    EXPECT_EQ(geometry.NodeCount(0), 0U);
    EXPECT_EQ(geometry.root_level(), 0U);
    EXPECT_EQ(geometry.EntryCount(0, 0), 0U);
  }
}

TEST(TreeGeometry, TheLastChunkIsAsLongAsWhatIsLeft) {
  for (const uint32_t chunk_size : kSizes) {
    const TreeGeometry one(1, chunk_size);
    EXPECT_EQ(one.ChunkCount(), 1U);
    EXPECT_EQ(one.ChunkLength(0), 1U);
    const TreeGeometry whole(chunk_size, chunk_size);
    EXPECT_EQ(whole.ChunkCount(), 1U);
    EXPECT_EQ(whole.ChunkLength(0), chunk_size);
    const TreeGeometry more(uint64_t{chunk_size} + 1, chunk_size);
    EXPECT_EQ(more.ChunkCount(), 2U);
    EXPECT_EQ(more.ChunkLength(0), chunk_size);
    EXPECT_EQ(more.ChunkLength(1), 1U);
  }
}

struct Shape {
  uint64_t chunks;
  uint32_t root_level;
  uint64_t leaves;
  uint32_t last_leaf_entries;
  uint32_t root_entries;
};

TEST(TreeGeometry, TheRootHasTheSmallestLevelThatCoversAll) {
  const Shape shapes[] = {
      {1, 0, 1, 1, 1},
      {64, 0, 1, 64, 64},
      {65, 1, 2, 1, 2},
      {128, 1, 2, 64, 2},
      {uint64_t{64} * 128, 1, 128, 64, 128},
      {uint64_t{64} * 128 + 1, 2, 129, 1, 2},
      {uint64_t{64} * 128 * 128, 2, 128 * 128, 64, 128},
      {uint64_t{64} * 128 * 128 + 1, 3, 128 * 128 + 1, 1, 2},
  };
  for (const uint32_t chunk_size : kSizes) {
    for (const Shape& shape : shapes) {
      const TreeGeometry geometry(shape.chunks * chunk_size, chunk_size);
      EXPECT_EQ(geometry.ChunkCount(), shape.chunks);
      EXPECT_EQ(geometry.root_level(), shape.root_level) << shape.chunks;
      EXPECT_EQ(geometry.NodeCount(0), shape.leaves) << shape.chunks;
      EXPECT_EQ(geometry.EntryCount(0, shape.leaves - 1), shape.last_leaf_entries);
      EXPECT_EQ(geometry.NodeCount(shape.root_level), 1U);
      EXPECT_EQ(geometry.EntryCount(shape.root_level, 0), shape.root_entries) << shape.chunks;
    }
  }
}

TEST(TreeGeometry, AllButTheLastNodeOfALevelAreFull) {
  const TreeGeometry geometry((uint64_t{64} * 128 + 70) * kChunkSizeMin, kChunkSizeMin);
  EXPECT_EQ(geometry.NodeCount(0), 130U);
  EXPECT_EQ(geometry.EntryCount(0, 0), 64U);
  EXPECT_EQ(geometry.EntryCount(0, 128), 64U);
  EXPECT_EQ(geometry.EntryCount(0, 129), 6U);
  EXPECT_EQ(geometry.NodeCount(1), 2U);
  EXPECT_EQ(geometry.EntryCount(1, 0), 128U);
  EXPECT_EQ(geometry.EntryCount(1, 1), 2U);
  EXPECT_EQ(geometry.root_level(), 2U);
}

TEST(TreeGeometry, TheLargestVolumeOverflowsNothing) {
  const TreeGeometry geometry(kVolumeSizeMax, kChunkSizeMin);
  EXPECT_EQ(geometry.ChunkCount(), uint64_t{1} << 44);
  EXPECT_EQ(geometry.ChunkLength((uint64_t{1} << 44) - 1), kChunkSizeMin);
  EXPECT_EQ(geometry.NodeCount(0), uint64_t{1} << 38);
  EXPECT_EQ(geometry.root_level(), 6U);
  EXPECT_EQ(geometry.NodeCount(5), 8U);
  EXPECT_EQ(geometry.EntryCount(6, 0), 8U);
  EXPECT_EQ(geometry.EntryCount(5, 7), 128U);
  const TreeGeometry wide(kVolumeSizeMax, kChunkSizeMax);
  EXPECT_EQ(wide.ChunkCount(), uint64_t{1} << 38);
  EXPECT_EQ(wide.root_level(), 5U);
}

TEST(TreeGeometry, EveryChunkIsInExactlyOneLeaf) {
  for (uint64_t chunks = 1; chunks < 300; ++chunks) {
    const TreeGeometry geometry(chunks * kChunkSizeMin - 1, kChunkSizeMin);
    uint64_t found = 0;
    for (uint64_t leaf = 0; leaf < geometry.NodeCount(0); ++leaf) {
      found += geometry.EntryCount(0, leaf);
    }
    EXPECT_EQ(found, chunks);
  }
}

}  // namespace
}  // namespace varve
