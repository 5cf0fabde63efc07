#include "restore/instant_restore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "restore/overlay_history.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

constexpr uint64_t kSize = 6 * kMiB + 333;

// Time that passes when somebody looks.
class LeapingClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return 0; }
  int64_t NowMonotonicNs() const override { return now_ += 50'000'000; }

 private:
  mutable std::atomic<int64_t> now_{0};
};

// A snapshot in which a range cannot be read.
class DamagedView : public PatternView {
 public:
  using PatternView::PatternView;
  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    if (offset <= damaged_ && damaged_ < offset + into.size()) return Corruption("chunk 17");
    return PatternView::ReadAt(offset, into);
  }
  std::atomic<uint64_t> damaged_{UINT64_MAX};
};

class InstantRestoreTest : public testing::Test {
 protected:
  std::unique_ptr<InstantRestore> Open() {
    auto restore = InstantRestore::Open(target(), TestBinding(kSize), below_);
    EXPECT_TRUE(IsOk(restore));
    return restore.ok() ? *std::move(restore) : nullptr;
  }
  std::string target() const { return directory_.File("target.img"); }
  Bytes Target() const {
    std::ifstream file(target(), std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }
  static Bytes Expected() {
    Bytes expected(kSize);
    for (size_t i = 0; i < kSize; ++i)
      expected[i] = PatternView::At(i);
    return expected;
  }
  size_t Files() const {
    const auto files = std::filesystem::directory_iterator(directory_.path());
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  TemporaryDirectory directory_;
  std::shared_ptr<DamagedView> below_ = std::make_shared<DamagedView>(kSize);
  LeapingClock clock_;
};

TEST_F(InstantRestoreTest, BecomesTheTargetWhenItIsWhole) {
  auto restore = Open();
  EXPECT_EQ(restore->bytes_found(), 0u);
  EXPECT_TRUE(ReadAll(restore->view()) == Expected());
  EXPECT_FALSE(std::filesystem::exists(target()));
  ASSERT_TRUE(IsOk(restore->view().WriteAt(70'001, Bytes(5, 9))));
  Progress progress;
  ASSERT_TRUE(IsOk(restore->Fill(0, clock_, progress)));
  EXPECT_EQ(progress.bytes_done, kSize);
  EXPECT_FALSE(std::filesystem::exists(target()));
  // A mount may go on using it.
  ASSERT_TRUE(IsOk(restore->view().WriteAt(kSize - 3, Bytes(3, 8))));
  ASSERT_TRUE(IsOk(restore->Finish()));
  Bytes expected = Expected();
  std::fill_n(expected.begin() + 70'001, 5, uint8_t{9});
  std::fill_n(expected.end() - 3, 3, uint8_t{8});
  EXPECT_TRUE(Target() == expected);
  restore = nullptr;
  EXPECT_EQ(Files(), 1u);
  EXPECT_TRUE(
      HasCode(InstantRestore::Open(target(), TestBinding(kSize), below_), Code::kAlreadyExists));
}

TEST_F(InstantRestoreTest, GoesOnWhereItWasInterrupted) {
  Bytes expected = Expected();
  uint64_t found = 0;
  for (int life = 0; life < 4; ++life) {
    const auto restore = Open();
    EXPECT_GE(restore->bytes_found(), found);
    EXPECT_TRUE(ReadAll(restore->view()) == expected);
    const auto at = static_cast<uint64_t>(life) * kMiB + 100;
    ASSERT_TRUE(IsOk(restore->view().WriteAt(at, Bytes(10, uint8_t(life + 1)))));
    std::fill_n(expected.begin() + static_cast<ptrdiff_t>(at), 10, uint8_t(life + 1));
    // The fill meets a chunk that cannot be read, further back each time.
    uint64_t damaged = static_cast<uint64_t>(life + 1) * kMiB + 200'000;
    while (!PatternView::IsData(damaged))
      damaged += 4096;
    below_->damaged_ = damaged;
    Progress progress;
    EXPECT_TRUE(HasCode(restore->Fill(0, clock_, progress), Code::kCorruption));
    ASSERT_TRUE(IsOk(restore->view().Sync()));
    found = progress.bytes_done;
    below_->damaged_ = UINT64_MAX;
  }
  EXPECT_GT(found, 2 * kMiB);
  EXPECT_FALSE(std::filesystem::exists(target()));
  const auto restore = Open();
  Progress progress;
  ASSERT_TRUE(IsOk(restore->Fill(0, clock_, progress)));
  ASSERT_TRUE(IsOk(restore->Finish()));
  EXPECT_TRUE(Target() == expected);
}

TEST_F(InstantRestoreTest, WhatIsReadIsFilledFirst) {
  const auto restore = Open();
  Bytes byte(1);
  ASSERT_TRUE(IsOk(restore->view().ReadAt(5 * kMiB + 100'000, byte)));
  // The background would meet this first.
  below_->damaged_ = 5;
  Progress progress;
  EXPECT_TRUE(HasCode(restore->Fill(0, clock_, progress), Code::kCorruption));
  below_->damaged_ = 5 * kMiB + 100'000;
  EXPECT_TRUE(IsOk(restore->view().ReadAt(5 * kMiB + 100'000, byte)));
  EXPECT_EQ(byte[0], PatternView::At(5 * kMiB + 100'000));
}

TEST_F(InstantRestoreTest, WritersAndReadersDuringTheFill) {
  const auto restore = Open();
  Progress progress;
  std::thread filler([&] { EXPECT_TRUE(IsOk(restore->Fill(20 * kMiB, clock_, progress))); });
  Bytes model = Expected();
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) {
    const uint64_t offset = random() % kSize;
    const uint64_t length = std::min<uint64_t>(1 + random() % 10'000, kSize - offset);
    Bytes piece(length);
    ASSERT_TRUE(IsOk(restore->view().ReadAt(offset, piece)));
    ASSERT_TRUE(
        std::equal(piece.begin(), piece.end(), model.begin() + static_cast<ptrdiff_t>(offset)));
    const Bytes bytes = RandomBytes(random(), length);
    ASSERT_TRUE(IsOk(restore->view().WriteAt(offset, bytes)));
    std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<ptrdiff_t>(offset));
  }
  filler.join();
  ASSERT_TRUE(IsOk(restore->Finish()));
  EXPECT_TRUE(Target() == model);
}

TEST_F(InstantRestoreTest, StopsWhenAskedAndKeepsWhatItHas) {
  auto restore = Open();
  Progress progress;
  progress.cancelled = true;
  EXPECT_TRUE(HasCode(restore->Fill(1, clock_, progress), Code::kCancelled));
  EXPECT_FALSE(std::filesystem::exists(target()));
  const auto second = InstantRestore::Open(target(), TestBinding(kSize), below_);
  EXPECT_TRUE(HasCode(second, Code::kBusy));
  EXPECT_TRUE(Mentions(second, "instant restore to " + target()));
}

TEST_F(InstantRestoreTest, CleansUpAfterACrashBehindTheRename) {
  const std::string filling = Open()->directory();
  std::filesystem::rename(filling + "/data", target());
  const auto again = InstantRestore::Open(target(), TestBinding(kSize), below_);
  EXPECT_TRUE(HasCode(again, Code::kAlreadyExists));
  EXPECT_TRUE(Mentions(again, "completed before"));
  EXPECT_FALSE(std::filesystem::exists(filling));
}

}  // namespace
}  // namespace varve
