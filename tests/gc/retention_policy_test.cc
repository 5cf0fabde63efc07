#include "gc/retention_policy.h"

#include <gtest/gtest.h>

#include "sim/expect_status.h"

namespace varve {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kDay = 24 * kHour;
// 2023-11-14 22:13:20 UTC, a Tuesday.
constexpr int64_t kStart = 1'700'000'000'000'000'000;

std::vector<SnapshotRecord> Every(int64_t step_ns, size_t count) {
  std::vector<SnapshotRecord> records(count);
  for (size_t i = 0; i < count; ++i) {
    records[i].id.bytes[0] = static_cast<uint8_t>(i + 1);
    records[i].sequence = i + 1;
    records[i].end_unix_ns = kStart + static_cast<int64_t>(i) * step_ns;
  }
  return records;
}

// Which are kept, as their positions.
std::vector<size_t> Kept(const std::vector<SnapshotRecord>& records,
                         const RetentionPolicy& policy) {
  std::vector<size_t> kept;
  const auto decisions = DecideRetention(records, policy);
  EXPECT_EQ(decisions.size(), records.size());
  for (size_t i = 0; i < decisions.size(); ++i) {
    EXPECT_FALSE(decisions[i].reason.empty());
    if (decisions[i].keep) kept.push_back(i);
  }
  return kept;
}

using Positions = std::vector<size_t>;

TEST(RetentionPolicy, NoRuleKeepsEverything) {
  EXPECT_EQ(Kept(Every(kHour, 4), {}), Positions({0, 1, 2, 3}));
  EXPECT_TRUE(Kept({}, {.last = 3}).empty());
}

TEST(RetentionPolicy, KeepsTheLast) {
  EXPECT_EQ(Kept(Every(kHour, 5), {.last = 2}), Positions({3, 4}));
  EXPECT_EQ(Kept(Every(kHour, 2), {.last = 9}), Positions({0, 1}));
}

TEST(RetentionPolicy, KeepsTheNewestOfEachPeriodThatHasOne) {
  EXPECT_EQ(Kept(Every(kHour / 4, 12), {.hourly = 2}), Positions({7, 11}));
  EXPECT_EQ(Kept(Every(kDay / 2, 8), {.daily = 3}), Positions({4, 6, 7}));
  // Tuesdays to Mondays: 2023-11-20 and 11-27 begin weeks.
  EXPECT_EQ(Kept(Every(kDay, 14), {.weekly = 2}), Positions({12, 13}));
  EXPECT_EQ(Kept(Every(kDay, 80), {.monthly = 3}), Positions({47, 78, 79}));
  EXPECT_EQ(Kept(Every(kDay, 80), {.yearly = 5}), Positions({47, 79}));
}

TEST(RetentionPolicy, GapsDoNotUseUpPeriods) {
  std::vector<SnapshotRecord> records = Every(kDay, 6);
  records.erase(records.begin() + 2, records.begin() + 4);
  EXPECT_EQ(Kept(records, {.daily = 3}), Positions({1, 2, 3}));
}

TEST(RetentionPolicy, RulesAddUp) {
  EXPECT_EQ(Kept(Every(kDay, 10), {.last = 1, .within_ns = 2 * kDay}), Positions({7, 8, 9}));
  const auto decisions = DecideRetention(Every(kDay, 3), {.last = 1, .daily = 1});
  EXPECT_EQ(decisions[2].reason, "last 1, daily 2023-11-16");
  EXPECT_EQ(decisions[0].reason, "no rule keeps it");
}

TEST(RetentionPolicy, ClocksThatWentBackOrLeaptAreRefused) {
  const auto records = Every(kDay, 3);
  const int64_t now = records.back().end_unix_ns + kHour;
  EXPECT_TRUE(IsOk(CheckClock(records, now)));
  EXPECT_TRUE(IsOk(CheckClock({}, 0)));
  EXPECT_EQ(CheckClock(records, records[0].end_unix_ns).code(), Code::kDenied);
  EXPECT_EQ(CheckClock(records, now + 400 * kDay).code(), Code::kDenied);
  auto backwards = records;
  backwards[1].end_unix_ns -= 30 * kDay;
  EXPECT_EQ(CheckClock(backwards, now).code(), Code::kDenied);
  auto leap = records;
  leap[2].end_unix_ns += 500 * kDay;
  EXPECT_EQ(CheckClock(leap, leap[2].end_unix_ns).code(), Code::kDenied);
}

TEST(RetentionPolicy, MoreThanHalfNeedsForce) {
  EXPECT_TRUE(IsOk(CheckForgetBrake(0, 0)));
  EXPECT_TRUE(IsOk(CheckForgetBrake(2, 4)));
  EXPECT_EQ(CheckForgetBrake(3, 4).code(), Code::kDenied);
}

}  // namespace
}  // namespace varve
