#include "agent/schedule/occurrences.h"

#include <gtest/gtest.h>

#include <random>

namespace varve::agent {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

UtcMinute At(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                               static_cast<int>(day)) +
         hours(hour) + minutes(minute);
}

ScheduleRule DailyAt(const std::string& zone, std::vector<int> at_hours,
                     std::vector<int> at_minutes) {
  return {.interval = Interval::kDaily, .minutes = at_minutes, .hours = at_hours, .zone = zone};
}

std::vector<UtcMinute> Runs(const ScheduleRule& rule, UtcMinute from, UtcMinute to) {
  auto runs = Occurrences(rule, from, to);
  EXPECT_TRUE(runs.ok()) << runs.status().message();
  return runs.ok() ? *runs : std::vector<UtcMinute>{};
}

TEST(Occurrences, TheStretchIsHalfOpen) {
  const ScheduleRule rule = DailyAt("UTC", {0}, {0});
  EXPECT_EQ(Runs(rule, At(2026, 3, 1), At(2026, 3, 2)), std::vector{At(2026, 3, 1)});
  EXPECT_TRUE(Runs(rule, At(2026, 3, 1, 0, 1), At(2026, 3, 2)).empty());
}

TEST(Occurrences, WeeklyRunsOnItsDays) {
  const ScheduleRule rule{
      .interval = Interval::kWeekly, .minutes = {30}, .hours = {5}, .days = {0, 6}};
  // 2026-11-23 is a Monday.
  EXPECT_EQ(Runs(rule, At(2026, 11, 23), At(2026, 11, 30)),
            (std::vector{At(2026, 11, 23, 5, 30), At(2026, 11, 29, 5, 30)}));
}

// Berlin leaps from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
TEST(Occurrences, ASlotInAGapRunsRightAfterIt) {
  EXPECT_EQ(Runs(DailyAt("Europe/Berlin", {2}, {30}), At(2026, 3, 28), At(2026, 3, 31)),
            (std::vector{At(2026, 3, 28, 1, 30), At(2026, 3, 29, 1, 0), At(2026, 3, 30, 0, 30)}));
}

TEST(Occurrences, SlotsThatFallTogetherAfterAGapAreOneRun) {
  EXPECT_EQ(Runs(DailyAt("Europe/Berlin", {2, 3}, {0, 30}), At(2026, 3, 29), At(2026, 3, 30)),
            (std::vector{At(2026, 3, 29, 1, 0), At(2026, 3, 29, 1, 30)}));
}

// Berlin goes back from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
TEST(Occurrences, ASlotInAFoldRunsOnceAtTheFirst) {
  EXPECT_EQ(Runs(DailyAt("Europe/Berlin", {2}, {30}), At(2026, 10, 25), At(2026, 10, 26)),
            std::vector{At(2026, 10, 25, 0, 30)});
}

TEST(Occurrences, HourlyRunsInEveryHourThatPasses) {
  const ScheduleRule rule{.interval = Interval::kHourly, .minutes = {15}, .zone = "Europe/Berlin"};
  for (const UtcMinute day : {At(2026, 3, 29), At(2026, 10, 25)}) {
    const std::vector<UtcMinute> runs = Runs(rule, day, day + days(1));
    ASSERT_EQ(runs.size(), 24u);
    for (size_t i = 0; i < runs.size(); ++i) {
      EXPECT_EQ(runs[i], day + hours(i) + minutes(15));
    }
  }
}

TEST(Occurrences, HourlyMinutesAreThoseOfTheZone) {
  const ScheduleRule rule{
      .interval = Interval::kHourly, .minutes = {0}, .zone = "Asia/Kolkata"};  // UTC+05:30
  EXPECT_EQ(Runs(rule, At(2026, 5, 1), At(2026, 5, 1, 2)),
            (std::vector{At(2026, 5, 1, 0, 30), At(2026, 5, 1, 1, 30)}));
}

// Samoa left out the whole of 2011-12-30.
TEST(Occurrences, ADayThatAZoneLeftOutRunsAtItsEnd) {
  const std::vector<UtcMinute> runs =
      Runs(DailyAt("Pacific/Apia", {12}, {0}), At(2011, 12, 29), At(2012, 1, 1));
  EXPECT_EQ(runs, (std::vector{At(2011, 12, 29, 22), At(2011, 12, 30, 10), At(2011, 12, 30, 22),
                               At(2011, 12, 31, 22)}));
}

TEST(Occurrences, CuttingAStretchLosesAndRepeatsNothing) {
  const uint32_t seed = 20261126;
  std::mt19937 random(seed);
  const std::vector<std::string> zones = {"UTC", "Europe/Berlin", "Australia/Lord_Howe",
                                          "America/St_Johns"};
  for (int round = 0; round < 60; ++round) {
    ScheduleRule rule{.interval = static_cast<Interval>(random() % 3),
                      .minutes = {static_cast<int>(random() % 60)},
                      .zone = zones[random() % zones.size()]};
    if (rule.interval != Interval::kHourly) {
      rule.hours = {static_cast<int>(random() % 24), static_cast<int>(random() % 24)};
    }
    if (rule.interval == Interval::kWeekly) rule.days = {static_cast<int>(random() % 7)};
    const UtcMinute from = At(2026, 1, 1) + hours(random() % 8000);
    const UtcMinute to = from + days(30);
    const UtcMinute cut = from + minutes(random() % (30 * 24 * 60));
    std::vector<UtcMinute> pieces = Runs(rule, from, cut);
    const std::vector<UtcMinute> second = Runs(rule, cut, to);
    pieces.insert(pieces.end(), second.begin(), second.end());
    EXPECT_EQ(pieces, Runs(rule, from, to)) << "seed " << seed << " round " << round;
  }
}

TEST(Occurrences, AStretchPastTheBoundIsRefused) {
  EXPECT_EQ(Occurrences(DailyAt("UTC", {0}, {0}), At(2020, 1, 1), At(2026, 1, 1)).status().code(),
            Code::kInvalidArgument);
}

DueSlots Due(const ScheduleRule& rule, UtcMinute considered_until, UtcMinute now) {
  auto due = FindDueSlots(rule, considered_until, now);
  EXPECT_TRUE(due.ok()) << due.status().message();
  return due.ok() ? *due : DueSlots{};
}

TEST(DueSlots, ASlotIsDueInItsMinuteAndNeverAgain) {
  const ScheduleRule rule = DailyAt("UTC", {4}, {0});
  DueSlots due = Due(rule, At(2026, 5, 1), At(2026, 5, 1, 3, 59));
  EXPECT_FALSE(due.run);
  due = Due(rule, due.considered_until, At(2026, 5, 1, 4, 0));
  EXPECT_EQ(due.run, At(2026, 5, 1, 4, 0));
  EXPECT_EQ(due.missed, 0u);
  due = Due(rule, due.considered_until, At(2026, 5, 1, 4, 0));
  EXPECT_FALSE(due.run);
  due = Due(rule, due.considered_until, At(2026, 5, 1, 4, 1));
  EXPECT_FALSE(due.run);
}

TEST(DueSlots, AfterADownTimeTheLatestRunsAndTheOthersAreMissed) {
  const ScheduleRule rule = DailyAt("UTC", {4}, {0});
  const DueSlots due = Due(rule, At(2026, 5, 1), At(2026, 5, 5, 12));
  EXPECT_EQ(due.run, At(2026, 5, 5, 4));
  EXPECT_EQ(due.missed, 4u);
}

TEST(DueSlots, AClockThatGoesBackRunsNoSlotTwice) {
  const ScheduleRule rule = DailyAt("UTC", {4}, {0});
  DueSlots due = Due(rule, At(2026, 5, 1), At(2026, 5, 1, 4, 30));
  ASSERT_TRUE(due.run);
  for (const UtcMinute now : {At(2026, 5, 1, 3, 0), At(2026, 5, 1, 4, 0), At(2026, 4, 1)}) {
    const DueSlots again = Due(rule, due.considered_until, now);
    EXPECT_FALSE(again.run);
    EXPECT_EQ(again.considered_until, due.considered_until);
  }
}

TEST(DueSlots, AYearsLongDownTimeIsBounded) {
  const ScheduleRule rule = DailyAt("UTC", {4}, {0});
  const DueSlots due = Due(rule, At(1970, 1, 1), At(2026, 5, 5, 12));
  EXPECT_EQ(due.run, At(2026, 5, 5, 4));
  EXPECT_EQ(due.missed + 1, static_cast<uint64_t>(kOccurrencesSpanMax.count()));
}

}  // namespace
}  // namespace varve::agent
