#include "fuse/failure_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace varve {
namespace {

class SetClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return now; }
  int64_t NowMonotonicNs() const override { return now; }
  int64_t now = 0;
};

TEST(FailureLog, SaysTheSameOnceAMinuteAndEverythingElseAtOnce) {
  SetClock clock;
  std::vector<std::string> lines;
  FailureLog log([&](const std::string& line) { lines.push_back(line); }, clock);
  for (int i = 0; i < 100; ++i)
    log.Note("a");
  log.Note("b");
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "b"}));
  clock.now = 61'000'000'000;
  log.Note("a");
  EXPECT_EQ(lines.size(), 3u);
}

TEST(FailureLog, IsBoundedWhenEveryLineIsAnother) {
  SetClock clock;
  size_t lines = 0;
  FailureLog log([&](const std::string&) { ++lines; }, clock);
  for (int i = 0; i < 100'000; ++i)
    log.Note(std::to_string(i));
  EXPECT_EQ(lines, 1024u);
  clock.now = 61'000'000'000;
  log.Note("again");
  EXPECT_EQ(lines, 1025u);
}

}  // namespace
}  // namespace varve
