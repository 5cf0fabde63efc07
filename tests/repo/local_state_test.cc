// What every LocalState must do: the one of a directory, and the simulated one that the other tests
// stand on.
#include "repo/local_state.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sim/expect_status.h"
#include "sim/simulated_local_state.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

class LocalStateTest : public testing::TestWithParam<bool> {
 protected:
  LocalStateTest() {
    repository_.bytes.fill(9);
    if (GetParam()) {
      state_ = NewDirectoryLocalState(directory_.path());
    } else {
      state_ = std::make_unique<SimulatedLocalState>();
    }
  }

  const TemporaryDirectory directory_;
  RepositoryId repository_;
  std::unique_ptr<LocalState> state_;
};

TEST_P(LocalStateTest, OneWriterAtATimeAndItsPurposeIsTold) {
  auto lock = state_->AcquireWriterLock("snapshot of v");
  ASSERT_TRUE(IsOk(lock));
  const auto second = state_->AcquireWriterLock("gc");
  EXPECT_TRUE(HasCode(second, Code::kBusy));
  EXPECT_TRUE(Mentions(second, "snapshot of v"));
  lock->reset();
  EXPECT_TRUE(IsOk(state_->AcquireWriterLock("gc")));
}

TEST_P(LocalStateTest, NamedLocksAreIndependentAndComeBack) {
  for (const LockLife life : {LockLife::kLasting, LockLife::kOnce}) {
    auto one = state_->TryLock("one", life);
    ASSERT_TRUE(IsOk(one));
    ASSERT_NE(*one, nullptr);
    const auto again = state_->TryLock("one", life);
    ASSERT_TRUE(IsOk(again));
    EXPECT_EQ(*again, nullptr);
    const auto other = state_->TryLock("other", life);
    ASSERT_TRUE(IsOk(other));
    EXPECT_NE(*other, nullptr);
    one->reset();
    const auto third = state_->TryLock("one", life);
    ASSERT_TRUE(IsOk(third));
    EXPECT_NE(*third, nullptr);
  }
}

TEST_P(LocalStateTest, OfManyThreadsOneHoldsTheLock) {
  std::atomic<int> holders{0};
  std::atomic<int> acquired{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const auto lock = state_->TryLock("name", LockLife::kOnce);
        ASSERT_TRUE(lock.ok());
        if (*lock == nullptr) continue;
        EXPECT_EQ(++holders, 1);
        ++acquired;
        --holders;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_GT(acquired, 0);
}

TEST_P(LocalStateTest, IndexIsMadeByTheWriterSeenByReadersAndGoneWhenDestroyed) {
  EXPECT_TRUE(HasCode(state_->OpenIndex(repository_, IndexMode::kReader), Code::kNotFound));
  PackId pack;
  pack.bytes.fill(1);
  {
    const auto index = state_->OpenIndex(repository_, IndexMode::kWriter);
    ASSERT_TRUE(IsOk(index));
    ASSERT_TRUE(IsOk((*index)->Add(pack, {})));
    ASSERT_TRUE(IsOk((*index)->Flush()));
  }
  {
    const auto index = state_->OpenIndex(repository_, IndexMode::kReader);
    ASSERT_TRUE(IsOk(index));
    EXPECT_EQ(*(*index)->Packs(), std::vector<PackId>{pack});
  }
  EXPECT_TRUE(state_->VerifyIndex()->empty());
  ASSERT_TRUE(IsOk(state_->DestroyIndex()));
  ASSERT_TRUE(IsOk(state_->DestroyIndex()));
  EXPECT_TRUE(state_->VerifyIndex()->empty());
  EXPECT_TRUE(HasCode(state_->OpenIndex(repository_, IndexMode::kReader), Code::kNotFound));
}

INSTANTIATE_TEST_SUITE_P(Every, LocalStateTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Directory" : "Simulated"; });

}  // namespace
}  // namespace varve
