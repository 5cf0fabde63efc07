#include "fuse/request_deadlines.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace varve {
namespace {

using std::chrono::milliseconds;

void WaitUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!condition() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  ASSERT_TRUE(condition());
}

TEST(RequestDeadlines, WhoFinishesInTimeAnswersAndNobodyElse) {
  RequestDeadlines deadlines(std::chrono::minutes(10), 4);
  std::atomic<int> expired{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        const uint64_t ticket = deadlines.Begin([&] { ++expired; });
        ASSERT_NE(ticket, 0u);
        EXPECT_TRUE(deadlines.Finish(ticket));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(expired, 0);
}

TEST(RequestDeadlines, ARequestThatHangsIsAnsweredOnceByTheWatch) {
  RequestDeadlines deadlines(milliseconds(20), 4);
  std::atomic<int> expired{0};
  const uint64_t ticket = deadlines.Begin([&] { ++expired; });
  WaitUntil([&] { return expired == 1; });
  EXPECT_FALSE(deadlines.Finish(ticket));
  EXPECT_EQ(expired, 1);
}

TEST(RequestDeadlines, RefusesAtOnceWhileManyHangAndServesAgainAfter) {
  RequestDeadlines deadlines(milliseconds(20), 2);
  std::atomic<int> expired{0};
  const uint64_t first = deadlines.Begin([&] { ++expired; });
  const uint64_t second = deadlines.Begin([&] { ++expired; });
  WaitUntil([&] { return expired == 2; });
  EXPECT_EQ(deadlines.Begin([] {}), 0u);
  EXPECT_FALSE(deadlines.Finish(first));
  const uint64_t third = deadlines.Begin([] {});
  EXPECT_NE(third, 0u);
  deadlines.Finish(third);
  EXPECT_FALSE(deadlines.Finish(second));
}

}  // namespace
}  // namespace varve
