#include "restore/overlay.h"

#include <gtest/gtest.h>

#include <thread>

#include "restore/overlay_history.h"

namespace varve {
namespace {

constexpr uint64_t kSize = 200 * 1024 + 777;

struct Opened {
  explicit Opened(SimulatedDisk& disk, uint64_t size_bytes = kSize) : below(size_bytes) {
    auto result = Overlay::Open(disk, TestBinding(size_bytes));
    EXPECT_TRUE(IsOk(result));
    if (!result.ok()) return;
    overlay = *std::move(result);
    view = std::make_unique<OverlayView>(below, *overlay);
  }
  PatternView below;
  std::unique_ptr<Overlay> overlay;
  std::unique_ptr<OverlayView> view;
};

TEST(OverlayTest, ReadsWhatWasWrittenAndTheSnapshotElsewhere) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    SimulatedDisk disk;
    OverlayModel model(kSize);
    for (int session = 0; session < 4; ++session) {
      const Opened opened(disk);
      ASSERT_EQ(ReadAll(*opened.view), model.now());
      for (int i = 0; i < 25; ++i) {
        ASSERT_TRUE(IsOk(Step(*opened.view, model, random)));
        const uint64_t offset = random() % kSize;
        Bytes piece(std::min<uint64_t>(1 + random() % 9000, kSize - offset));
        ASSERT_TRUE(IsOk(opened.view->ReadAt(offset, piece)));
        ASSERT_TRUE(std::equal(piece.begin(), piece.end(),
                               model.now().begin() + static_cast<ptrdiff_t>(offset)));
      }
      ASSERT_EQ(ReadAll(*opened.view), model.now());
      ASSERT_TRUE(IsOk(opened.view->Sync()));
      model.Synced();
    }
  }
}

TEST(OverlayTest, ExtentsCoverTheVolumeAndNeverHideData) {
  std::mt19937_64 random(3);
  SimulatedDisk disk;
  OverlayModel model(kSize);
  const Opened opened(disk);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(IsOk(Step(*opened.view, model, random)));
    bool last_is_data = false;
    for (uint64_t offset = 0; offset < kSize;) {
      const auto extent = opened.view->NextExtent(offset);
      ASSERT_TRUE(IsOk(extent));
      ASSERT_EQ(extent->begin, offset);
      ASSERT_GT(extent->end, offset);
      ASSERT_TRUE(offset == 0 || extent->is_data != last_is_data) << "not maximal at " << offset;
      last_is_data = extent->is_data;
      if (!extent->is_data) {
        ASSERT_TRUE(IsAllZero(ByteSpan(model.now()).subspan(offset, extent->end - offset)));
      }
      offset = extent->end;
    }
  }
}

TEST(OverlayTest, DiscardOfWhatIsZerosAlreadyCostsNothing) {
  SimulatedDisk disk;
  const Opened opened(disk);
  ASSERT_TRUE(IsOk(opened.view->Punch(16 * kKiB, 16 * kKiB)));
  EXPECT_EQ(opened.overlay->CountMapped(), 0u);
  ASSERT_TRUE(IsOk(opened.view->Punch(0, kSize)));
  EXPECT_TRUE(IsAllZero(ReadAll(*opened.view)));
}

TEST(OverlayTest, FillTakesTheSnapshotAndLeavesWhatWasWritten) {
  std::mt19937_64 random(4);
  SimulatedDisk disk;
  OverlayModel model(kSize);
  {
    const Opened opened(disk);
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(IsOk(Step(*opened.view, model, random)));
    for (uint64_t offset = 0; offset < kSize;) {
      const auto next = opened.view->FillPiece(offset, 12 * kKiB);
      ASSERT_TRUE(IsOk(next));
      ASSERT_GT(*next, offset);
      offset = *next;
      ASSERT_TRUE(IsOk(Step(*opened.view, model, random)));
    }
    EXPECT_EQ(opened.overlay->CountMapped(), opened.overlay->block_count());
    EXPECT_EQ(ReadAll(*opened.view), model.now());
    ASSERT_TRUE(IsOk(opened.view->Sync()));
  }
  EXPECT_EQ(disk.Crash(1, CrashMode::kLoseUnsynced)->Content("data"), model.now());
}

TEST(OverlayTest, ConcurrentWritersOfPartsOfABlockLoseNothing) {
  SimulatedDisk disk;
  const Opened opened(disk, 64 * kKiB);
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t offset = thread * 512; offset < 64 * kKiB; offset += 2048) {
        EXPECT_TRUE(IsOk(opened.view->WriteAt(offset, Bytes(512, uint8_t(200 + thread)))));
        EXPECT_TRUE(offset % 16384 != 0 || IsOk(opened.view->Sync()));
        EXPECT_TRUE(IsOk(opened.view->FillPiece(RoundDown(offset, 4096), 4096)));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  const Bytes bytes = ReadAll(*opened.view);
  for (size_t i = 0; i < bytes.size(); ++i)
    ASSERT_EQ(bytes[i], 200 + i / 512 % 4) << i;
}

TEST(OverlayTest, RefusesAnOverlayOfSomethingElse) {
  SimulatedDisk disk;
  { const Opened opened(disk); }
  OverlayBinding other = TestBinding(kSize);
  other.snapshot.bytes[0] = 1;
  const auto snapshot = Overlay::Open(disk, other);
  EXPECT_TRUE(HasCode(snapshot, Code::kInvalidArgument));
  EXPECT_TRUE(Mentions(snapshot, other.snapshot.Hex()));
  EXPECT_TRUE(Mentions(snapshot, TestBinding(kSize).snapshot.Hex()));
  EXPECT_TRUE(HasCode(Overlay::Open(disk, TestBinding(kSize + 1)), Code::kInvalidArgument));
  other = TestBinding(kSize);
  other.repository.bytes[0] = 1;
  EXPECT_TRUE(HasCode(Overlay::Open(disk, other), Code::kInvalidArgument));
  EXPECT_TRUE(IsOk(Overlay::Open(disk, TestBinding(kSize))));
}

TEST(OverlayTest, DoesNotBeginBesideOtherFiles) {
  SimulatedDisk disk;
  disk.SetContent("photo", Bytes(5));
  const auto overlay = Overlay::Open(disk, TestBinding(kSize));
  EXPECT_TRUE(HasCode(overlay, Code::kAlreadyExists));
  EXPECT_TRUE(Mentions(overlay, "photo"));
  EXPECT_TRUE(HasCode(Overlay::ReadBinding(disk), Code::kNotFound));
}

TEST(OverlayTest, FullDiskHarmsOnlyTheWriteThatMeetsIt) {
  SimulatedDisk disk;
  const Opened opened(disk);
  const Bytes before = RandomBytes(1, 8192);
  ASSERT_TRUE(IsOk(opened.view->WriteAt(0, before)));
  ASSERT_TRUE(IsOk(opened.view->Sync()));
  const auto full = [&](const std::string& path) {
    Fault fault = Fault::OfKind(OperationKind::kAppend, 1, true, ENOSPC);
    fault.short_write = true;
    fault.matches = [path](const Operation& operation) {
      return operation.kind == OperationKind::kAppend && operation.path.starts_with(path);
    };
    disk.InjectFault(fault);
  };
  full("data");
  EXPECT_TRUE(HasCode(opened.view->WriteAt(40960, Bytes(8192, 1)), Code::kNoSpace));
  EXPECT_TRUE(IsOk(opened.view->Sync()));
  disk.ClearFaults();
  Bytes expected(kSize);
  for (size_t i = 0; i < kSize; ++i)
    expected[i] = PatternView::At(i);
  std::copy(before.begin(), before.end(), expected.begin());
  EXPECT_EQ(ReadAll(*opened.view), expected);

  // No room for the map: the sync says so, and one with room makes up for it.
  ASSERT_TRUE(IsOk(opened.view->WriteAt(40960, Bytes(8192, 2))));
  std::fill_n(expected.begin() + 40960, 8192, uint8_t{2});
  full("map.");
  EXPECT_TRUE(HasCode(opened.view->Sync(), Code::kNoSpace));
  EXPECT_TRUE(HasCode(opened.view->Sync(), Code::kNoSpace));
  disk.ClearFaults();
  EXPECT_TRUE(IsOk(opened.view->Sync()));
  const auto after = disk.Crash(1, CrashMode::kLoseUnsynced);
  EXPECT_EQ(ReadAll(*Opened(*after).view), expected);
}

TEST(OverlayTest, FailedSyncOfTheDataIsFinal) {
  SimulatedDisk disk;
  const Opened opened(disk);
  ASSERT_TRUE(IsOk(opened.view->WriteAt(0, Bytes(4096, 1))));
  Fault fault = Fault::OfKind(OperationKind::kSync, 1, false);
  disk.InjectFault(fault);
  EXPECT_TRUE(HasCode(opened.view->Sync(), Code::kIo));
  EXPECT_TRUE(HasCode(opened.view->Sync(), Code::kIo));
  EXPECT_TRUE(HasCode(opened.view->WriteAt(0, Bytes(4096, 2)), Code::kIo));
  EXPECT_TRUE(HasCode(opened.view->Punch(0, 4096), Code::kIo));
  Bytes byte(1);
  EXPECT_TRUE(IsOk(opened.view->ReadAt(0, byte)));
  EXPECT_EQ(byte[0], 1);
}

TEST(OverlayTest, DamagedMapIsFoundOrEndsBeforeTheDamage) {
  SimulatedDisk disk;
  {
    const Opened opened(disk);
    for (uint64_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(IsOk(opened.view->WriteAt(i * 8192, Bytes(4096, 1))));
      ASSERT_TRUE(IsOk(opened.view->Sync()));
    }
  }
  const Bytes log = disk.Content("map.1");
  uint64_t refused = 0;
  for (size_t bit = 0; bit < log.size() * 8; ++bit) {
    disk.FlipBit("map.1", bit);
    const auto overlay = Overlay::Open(disk, TestBinding(kSize));
    if (overlay.ok()) {  // only the last record can be taken for one that was torn
      EXPECT_GE(bit / 8, log.size() - 40);
      EXPECT_EQ((*overlay)->CountMapped(), 4u);
    } else {
      ++refused;
      EXPECT_TRUE(overlay.status().code() == Code::kCorruption ||
                  overlay.status().code() == Code::kUnsupported);
    }
    disk.FlipBit("map.1", bit);
  }
  EXPECT_EQ(refused, (log.size() - 40) * 8);
  disk.Erase("data");
  EXPECT_TRUE(HasCode(Overlay::Open(disk, TestBinding(kSize)), Code::kCorruption));
}

}  // namespace
}  // namespace varve
