#include "volume/extent_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace varve {
namespace {

using Range = ExtentSet::Range;

TEST(ExtentSetTest, NeighboursAndOverlapsBecomeOneRange) {
  ExtentSet set;
  set.Add(10, 20);
  set.Add(30, 40);
  set.Add(5, 5);
  set.Add(20, 25);
  EXPECT_EQ(set.ranges(), (std::vector<Range>{{10, 25}, {30, 40}}));
  set.Add(0, 3);
  set.Add(24, 31);
  EXPECT_EQ(set.ranges(), (std::vector<Range>{{0, 3}, {10, 40}}));
  set.Add(0, 100);
  EXPECT_EQ(set.ranges(), (std::vector<Range>{{0, 100}}));
}

TEST(ExtentSetTest, EqualsASetOfNumbers) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    ExtentSet set;
    std::set<uint64_t> model;
    for (int i = 0; i < 12; ++i) {
      const uint64_t begin = random() % 100;
      const uint64_t end = begin + random() % 12;
      set.Add(begin, end);
      for (uint64_t number = begin; number < end; ++number)
        model.insert(number);
    }
    ASSERT_EQ(set.Count(), model.size());
    for (uint64_t number = 0; number < 115; ++number) {
      ASSERT_EQ(set.Contains(number), model.count(number) == 1) << number << " in round " << round;
      const auto next = model.lower_bound(number);
      const Range* const found = set.FindFrom(number);
      ASSERT_EQ(found == nullptr, next == model.end());
      ASSERT_TRUE(found == nullptr || std::max(found->begin, number) == *next);
    }
    for (size_t i = 1; i < set.ranges().size(); ++i) {
      ASSERT_LT(set.ranges()[i - 1].end, set.ranges()[i].begin);
    }
    const ExtentSet units = set.RoundedOut(7);
    for (const uint64_t number : model)
      ASSERT_TRUE(units.Contains(number / 7));
    for (const Range& unit : units.ranges()) {
      for (uint64_t at = unit.begin; at < unit.end; ++at) {
        const auto inside = model.lower_bound(at * 7);
        ASSERT_TRUE(inside != model.end() && *inside < at * 7 + 7);
      }
    }
  }
}

}  // namespace
}  // namespace varve
