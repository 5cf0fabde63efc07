#include "agent/schedule/schedule_rule.h"

#include <gtest/gtest.h>

#include <numeric>

#include "agent/schedule/occurrences.h"

namespace varve::agent {
namespace {

std::vector<int> Every(int count) {
  std::vector<int> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

ScheduleRule Hourly(std::vector<int> minutes, int retention_days) {
  return {.interval = Interval::kHourly, .minutes = minutes, .retention_days = retention_days};
}

ScheduleRule Daily(std::vector<int> hours, int retention_days) {
  return {.interval = Interval::kDaily,
          .minutes = {0},
          .hours = hours,
          .retention_days = retention_days};
}

ScheduleRule Weekly(std::vector<int> days, std::vector<int> hours, int retention_days) {
  return {.interval = Interval::kWeekly,
          .minutes = {0},
          .hours = hours,
          .days = days,
          .retention_days = retention_days};
}

struct BoundCase {
  const char* name;
  ScheduleRule rule;
  uint64_t largest;
  bool allowed;
};

class FiveHundredRule : public testing::TestWithParam<BoundCase> {};

TEST_P(FiveHundredRule, HoldsForTheTableOfTheDesign) {
  EXPECT_EQ(RunsInRetention(GetParam().rule), GetParam().largest);
  const Status status = CheckRule(GetParam().rule);
  EXPECT_EQ(status.ok(), GetParam().allowed) << status.message();
  if (!GetParam().allowed) {
    EXPECT_NE(status.message().find(std::to_string(GetParam().largest)), std::string::npos)
        << status.message();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, FiveHundredRule,
    testing::Values(BoundCase{"ThreeAnHour", Hourly({0, 20, 40}, 7), 504, false},
                    BoundCase{"TwoAnHour", Hourly({0, 30}, 7), 336, true},
                    BoundCase{"FourAnHour", Hourly({0, 15, 30, 45}, 5), 480, true},
                    BoundCase{"EightADay", Daily(Every(8), 60), 480, true},
                    BoundCase{"TwelveADay", Daily(Every(12), 60), 720, false},
                    BoundCase{"MondayAndTuesdayEveryHour", Weekly({0, 1}, Every(24), 60), 432,
                              true},
                    BoundCase{"OnceAWeek", Weekly({3}, {4}, 120), 18, true}),
    [](const auto& test) { return test.param.name; });

// The formula against counting: every window that begins at a run of three weeks.
TEST(FiveHundredRule, EqualsCountingEveryWindow) {
  std::vector<ScheduleRule> rules;
  for (int retention = 1; retention <= 20; ++retention) {
    rules.push_back(Weekly({0, 2, 5}, {1, 13}, retention));
    rules.push_back(Weekly({6}, {0, 1, 2}, retention));
    rules.push_back(Daily({0, 7, 23}, retention));
  }
  const UtcMinute monday = std::chrono::sys_days(std::chrono::year(2026) / 11 / 2);
  for (const ScheduleRule& rule : rules) {
    const auto runs = Occurrences(rule, monday, monday + std::chrono::weeks(8));
    ASSERT_TRUE(runs.ok()) << runs.status().message();
    uint64_t largest = 0;
    for (const UtcMinute begin : *runs) {
      if (begin >= monday + std::chrono::weeks(3)) break;
      const UtcMinute end = begin + std::chrono::days(rule.retention_days);
      largest = std::max<uint64_t>(largest, static_cast<uint64_t>(std::count_if(
                                                runs->begin(), runs->end(), [&](UtcMinute run) {
                                                  return run >= begin && run < end;
                                                })));
    }
    EXPECT_EQ(RunsInRetention(rule), largest) << "retention " << rule.retention_days;
  }
}

struct RefusedCase {
  const char* name;
  ScheduleRule rule;
  const char* says;
};

class RefusedRule : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedRule, NamesFieldAndValue) {
  const Status status = CheckRule(GetParam().rule);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(GetParam().says), std::string::npos) << status.message();
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RefusedRule,
    testing::Values(
        RefusedCase{"NoMinute", Hourly({}, 1), "minute names no value"},
        RefusedCase{"MinuteSixty", Hourly({60}, 1), "minute 60"},
        RefusedCase{"NegativeMinute", Hourly({-1}, 1), "minute -1"},
        RefusedCase{"HourOfHourly",
                    {.interval = Interval::kHourly, .minutes = {0}, .hours = {1}},
                    "hourly schedule has no hour"},
        RefusedCase{"NoHour", Daily({}, 1), "hour names no value"},
        RefusedCase{"HourTwentyFour", Daily({24}, 1), "hour 24"},
        RefusedCase{"DaySeven", Weekly({7}, {0}, 1), "day 7"},
        RefusedCase{"RetentionZero", Daily({0}, 0), "retention of 0 days"},
        RefusedCase{"HourlyForEightDays", Hourly({0}, 8), "from 1 to 7"},
        RefusedCase{"DailyForSixtyOneDays", Daily({0}, 61), "from 1 to 60"},
        RefusedCase{"WeeklyForFourMonths", Weekly({0}, {0}, 121), "from 1 to 120"},
        RefusedCase{
            "UnknownZone",
            {.interval = Interval::kDaily, .minutes = {0}, .hours = {0}, .zone = "Mars/Olympus"},
            "'Mars/Olympus'"}),
    [](const auto& test) { return test.param.name; });

TEST(ScheduleRule, RepeatedValuesCountOnce) {
  EXPECT_EQ(RunsInRetention(Hourly({0, 0, 0, 0}, 7)), 168u);
}

}  // namespace
}  // namespace varve::agent
