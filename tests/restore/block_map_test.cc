#include "restore/block_map.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace varve {
namespace {

TEST(BlockMapTest, EqualsASetOfBlocks) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    BlockMap map;
    std::set<uint64_t> model;
    // Around the seams of words and pages.
    const uint64_t seams[] = {0, 64, 32768, 65536, 98304, 1 << 20};
    for (int i = 0; i < 20; ++i) {
      const uint64_t seam = seams[random() % 6];
      const uint64_t begin = seam - std::min<uint64_t>(seam, random() % 100);
      const uint64_t end = begin + random() % 200;
      map.Add({begin, end});
      for (uint64_t block = begin; block < end; ++block)
        model.insert(block);
    }
    ASSERT_EQ(map.count(), model.size());
    uint64_t listed = 0;
    uint64_t last_end = UINT64_MAX;
    for (const BlockRange& range : map.Ranges()) {
      ASSERT_NE(range.begin, last_end) << "not maximal";
      last_end = range.end;
      for (uint64_t block = range.begin; block < range.end; ++block, ++listed) {
        ASSERT_EQ(model.count(block), 1u);
      }
    }
    ASSERT_EQ(listed, model.size());
    for (int i = 0; i < 200; ++i) {
      const uint64_t block = seams[random() % 6] + random() % 150;
      ASSERT_EQ(map.Contains(block), model.count(block) == 1);
      uint64_t end = block;
      const uint64_t limit = block + random() % 70'000;
      while (end < limit && (model.count(end) == 1) == map.Contains(block))
        ++end;
      ASSERT_EQ(map.RunEnd(block, limit), end) << block;
    }
  }
}

TEST(BlockMapTest, FullPagesNeedNoBits) {
  BlockMap map;
  map.Add({100, 10 * 32768 + 5});
  EXPECT_EQ(map.count(), 10u * 32768 + 5 - 100);
  map.Add({0, 100});
  EXPECT_EQ(map.Ranges(), (std::vector<BlockRange>{{0, 10 * 32768 + 5}}));
  EXPECT_EQ(map.RunEnd(3, 1 << 30), 10u * 32768 + 5);
  EXPECT_EQ(map.RunEnd(10 * 32768 + 5, 1 << 30), 1u << 30);
  EXPECT_EQ(map.RunEnd(3, 50), 50u);
}

}  // namespace
}  // namespace varve
