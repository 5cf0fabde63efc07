#include "gc/retention_policy.h"

#include <cerrno>
#include <functional>

#include "base/clock.h"

namespace varve {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kDayNs = 24 * kHourNs;
// Clocks of two machines are set by hand and drift; less than this is no reason to refuse.
constexpr int64_t kClockToleranceNs = kHourNs;
constexpr int64_t kLeapNs = 366 * kDayNs;

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Months since year 0 of a day since 1970-01-01, in the proleptic Gregorian calendar.
int64_t MonthOfDay(int64_t day) {
  day += 719468;  // days from 0000-03-01, where a year ends with its leap day
  const int64_t era = FloorDivide(day, 146097);
  const int64_t of_era = day - era * 146097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month_from_march = (5 * of_year + 2) / 153;
  return (era * 400 + year) * 12 + month_from_march + 2;
}

struct Rule {
  std::string name;
  uint32_t count = 0;
  std::function<int64_t(int64_t time_ns)> period;
};

std::vector<Rule> RulesOf(const RetentionPolicy& policy) {
  const auto day = [](int64_t time) { return FloorDivide(time, kDayNs); };
  return {
      {"hourly", policy.hourly, [](int64_t time) { return FloorDivide(time, kHourNs); }},
      {"daily", policy.daily, day},
      // 1970-01-01 was a Thursday.
      {"weekly", policy.weekly, [=](int64_t time) { return FloorDivide(day(time) + 3, 7); }},
      {"monthly", policy.monthly, [=](int64_t time) { return MonthOfDay(day(time)); }},
      {"yearly", policy.yearly,
       [=](int64_t time) { return FloorDivide(MonthOfDay(day(time)), 12); }},
  };
}

void Keep(RetentionDecision* decision, const std::string& reason) {
  decision->reason = decision->keep ? decision->reason + ", " + reason : reason;
  decision->keep = true;
}

Status ClockIsWrong(const std::string& what) {
  return Status(Code::kDenied,
                what +
                    ": a clock is or was wrong, and retention by it may delete what should "
                    "stay; --force if it may",
                EPERM);
}

}  // namespace

std::vector<RetentionDecision> DecideRetention(const std::vector<SnapshotRecord>& records,
                                               const RetentionPolicy& policy) {
  std::vector<RetentionDecision> decisions;
  for (const SnapshotRecord& record : records) {
    decisions.push_back({record, policy.empty(), policy.empty() ? "there is no rule" : ""});
  }
  if (policy.empty() || records.empty()) return decisions;
  const int64_t newest = records.back().end_unix_ns;
  for (size_t i = 0; i < records.size(); ++i) {
    const size_t age = records.size() - 1 - i;
    if (age < policy.last) Keep(&decisions[i], "last " + std::to_string(age + 1));
    if (policy.within_ns > 0 && newest - records[i].end_unix_ns <= policy.within_ns) {
      Keep(&decisions[i], "within");
    }
  }
  for (const Rule& rule : RulesOf(policy)) {
    uint32_t kept = 0;
    int64_t last_period = 0;
    for (size_t i = records.size(); i-- > 0 && kept < rule.count;) {
      const int64_t period = rule.period(records[i].end_unix_ns);
      if (kept > 0 && period == last_period) continue;
      last_period = period;
      ++kept;
      Keep(&decisions[i], rule.name + " " + FormatUtc(records[i].end_unix_ns).substr(0, 10));
    }
  }
  for (RetentionDecision& decision : decisions) {
    if (!decision.keep) decision.reason = "no rule keeps it";
  }
  return decisions;
}

Status CheckClock(const std::vector<SnapshotRecord>& records, int64_t now_unix_ns) {
  for (size_t i = 1; i < records.size(); ++i) {
    const SnapshotRecord& older = records[i - 1];
    const SnapshotRecord& newer = records[i];
    if (newer.end_unix_ns < older.end_unix_ns - kClockToleranceNs) {
      return ClockIsWrong("snapshot " + newer.id.Short() + " is later than " + older.id.Short() +
                          " and bears an earlier time");
    }
    if (newer.end_unix_ns - older.end_unix_ns > kLeapNs) {
      return ClockIsWrong("more than a year lies between snapshots " + older.id.Short() + " and " +
                          newer.id.Short());
    }
  }
  if (records.empty()) return {};
  const SnapshotRecord& newest = records.back();
  if (now_unix_ns < newest.end_unix_ns - kClockToleranceNs) {
    return ClockIsWrong("it is " + FormatUtc(now_unix_ns) + " here, before snapshot " +
                        newest.id.Short() + " of " + FormatUtc(newest.end_unix_ns));
  }
  if (now_unix_ns - newest.end_unix_ns > kLeapNs) {
    return ClockIsWrong("it is " + FormatUtc(now_unix_ns) +
                        " here, more than a year after snapshot " + newest.id.Short());
  }
  return {};
}

Status CheckForgetBrake(size_t deleted, size_t all) {
  if (2 * deleted <= all) return {};
  return Status(Code::kDenied,
                "this would delete " + std::to_string(deleted) + " of " + std::to_string(all) +
                    " snapshots, more than half; if that is meant, say --force",
                EPERM);
}

}  // namespace varve
