// The simulated disk must be as nasty as it says: a test that passes on a lenient one proves
// nothing.
#include "sim/simulated_disk.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/simulated_block_device.h"

namespace varve {
namespace {

std::unique_ptr<WritableFile> Write(SimulatedDisk& disk, const std::string& path, ByteSpan bytes) {
  auto file = disk.Create(path);
  EXPECT_TRUE(IsOk(file));
  EXPECT_TRUE(IsOk((*file)->Append(bytes)));
  return *std::move(file);
}

TEST(SimulatedDiskTest, UnsyncedNamesAndBytesAreLostSeparately) {
  SimulatedDisk disk;
  const auto synced = Write(disk, "synced", AsBytes("bytes"));
  ASSERT_TRUE(IsOk(synced->Sync()));
  EXPECT_TRUE(disk.Crash(0, CrashMode::kLoseUnsynced)->AllFiles().empty());
  EXPECT_EQ(AsText(disk.Crash(0, CrashMode::kDirectoriesFirst)->Content("synced")), "bytes");

  Write(disk, "named", AsBytes("bytes"));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  EXPECT_TRUE(disk.Crash(0, CrashMode::kLoseUnsynced)->Content("named").empty());
  EXPECT_EQ(AsText(disk.Crash(0, CrashMode::kKeepAll)->Content("named")), "bytes");
}

TEST(SimulatedDiskTest, RenameMayBeDurableBeforeTheData) {
  SimulatedDisk disk;
  Write(disk, "a", RandomBytes(1, 2000));
  ASSERT_TRUE(IsOk(disk.Rename("a", "b")));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  std::set<size_t> sizes;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto crashed = disk.Crash(seed, CrashMode::kDirectoriesFirst);
    EXPECT_FALSE(crashed->Exists("a"));
    const Bytes content = crashed->Content("b");
    EXPECT_TRUE(IsAllZero(content));
    sizes.insert(content.size());
  }
  EXPECT_EQ(sizes, (std::set<size_t>{0, 2000}));
}

TEST(SimulatedDiskTest, DirectoryChangesHappenInAnySubset) {
  SimulatedDisk disk;
  ASSERT_TRUE(IsOk(Write(disk, "a", AsBytes("x"))->Sync()));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  ASSERT_TRUE(IsOk(Write(disk, "b", AsBytes("x"))->Sync()));
  ASSERT_TRUE(IsOk(disk.Remove("a")));
  std::set<std::vector<std::string>> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    seen.insert(disk.Crash(seed, CrashMode::kTorn)->AllFiles());
  }
  EXPECT_EQ(seen, (std::set<std::vector<std::string>>{{}, {"a"}, {"b"}, {"a", "b"}}));
}

TEST(SimulatedDiskTest, RenameIsAtomicAndDurableByTheDirectoryItWentTo) {
  SimulatedDisk disk;
  ASSERT_TRUE(IsOk(disk.CreateDirectory("d")));
  ASSERT_TRUE(IsOk(Write(disk, "a", AsBytes("x"))->Sync()));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  ASSERT_TRUE(IsOk(disk.Rename("a", "d/a")));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  EXPECT_TRUE(disk.Crash(0, CrashMode::kLoseUnsynced)->Exists("a"));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(disk.Crash(seed, CrashMode::kGarbled)->AllFiles().size(), 1U);
  }
  ASSERT_TRUE(IsOk(disk.SyncDirectory("d")));
  EXPECT_EQ(disk.Crash(0, CrashMode::kLoseUnsynced)->AllFiles(), std::vector<std::string>{"d/a"});
}

TEST(SimulatedDiskTest, SyncedRenameDoesNotBringOldNamesBack) {
  SimulatedDisk disk;
  ASSERT_TRUE(IsOk(disk.CreateDirectory("d")));
  ASSERT_TRUE(IsOk(Write(disk, "a", AsBytes("x"))->Sync()));
  ASSERT_TRUE(IsOk(disk.Rename("a", "d/a")));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("d")));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  EXPECT_EQ(disk.Crash(0, CrashMode::kLoseUnsynced)->AllFiles(), std::vector<std::string>{"d/a"});
}

TEST(SimulatedDiskTest, TornWritesKeepWholeSectorsAndWhatWasSynced) {
  SimulatedDisk disk;
  const Bytes content = RandomBytes(2, 10 * kSectorBytes);
  const auto file = Write(disk, "a", ByteSpan(content).first(700));
  ASSERT_TRUE(IsOk(file->Sync()));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  ASSERT_TRUE(IsOk(file->Append(ByteSpan(content).subspan(700))));
  size_t torn = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Bytes after = disk.Crash(seed, CrashMode::kTorn)->Content("a");
    ASSERT_GE(after.size(), 700U);
    EXPECT_TRUE(std::equal(after.begin(), after.begin() + 700, content.begin()));
    if (after != content) ++torn;
    for (size_t sector = 2; (sector + 1) * kSectorBytes <= after.size(); ++sector) {
      const ByteSpan piece = ByteSpan(after).subspan(sector * kSectorBytes, kSectorBytes);
      EXPECT_TRUE(IsAllZero(piece) ||
                  std::equal(piece.begin(), piece.end(), content.begin() + sector * kSectorBytes));
    }
  }
  EXPECT_GT(torn, 40U);
}

TEST(SimulatedDiskTest, UpdatesInPlaceAreLostTornReorderedAndGarbled) {
  SimulatedDisk disk;
  const auto file = disk.OpenForUpdate("a", 4096);
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  ASSERT_TRUE(IsOk((*file)->WriteAt(0, Bytes(4096, 1))));
  ASSERT_TRUE(IsOk((*file)->Sync()));
  ASSERT_TRUE(IsOk((*file)->WriteAt(1000, Bytes(1048, 2))));
  ASSERT_TRUE(IsOk((*file)->WriteAt(3072, Bytes(512, 3))));
  EXPECT_EQ(disk.Crash(1, CrashMode::kLoseUnsynced)->Content("a"), Bytes(4096, 1));
  EXPECT_EQ(disk.Crash(1, CrashMode::kKeepAll)->Content("a"), disk.Content("a"));
  std::set<Bytes> torn, reordered;
  bool garbled = false;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Bytes now = disk.Crash(seed, CrashMode::kTorn)->Content("a");
    torn.insert(now);
    for (size_t i = 0; i < now.size(); ++i) {
      ASSERT_TRUE(now[i] == 1 || now[i] == disk.Content("a")[i]) << i;
    }
    reordered.insert(disk.Crash(seed, CrashMode::kReordered)->Content("a"));
    const Bytes any = disk.Crash(seed, CrashMode::kGarbled)->Content("a");
    for (size_t i = 0; i < any.size(); ++i) {
      const bool written = (i >= 1000 && i < 2048) || (i >= 3072 && i < 3584);
      ASSERT_TRUE(written || any[i] == 1) << i;
      if (any[i] > 3) garbled = true;
    }
  }
  EXPECT_GT(torn.size(), 5U);
  EXPECT_EQ(reordered.size(), 4U);
  EXPECT_TRUE(garbled);

  disk.InjectFault(Fault::OfSyncs(1, false));
  EXPECT_FALSE((*file)->Sync().ok());
  ASSERT_TRUE(IsOk((*file)->WriteAt(0, Bytes(1, 9))));
  ASSERT_TRUE(IsOk((*file)->Sync()));
  Bytes expected(4096, 1);
  expected[0] = 9;
  EXPECT_EQ(disk.Crash(1, CrashMode::kKeepAll)->Content("a"), disk.Content("a"));
  EXPECT_EQ(disk.Crash(1, CrashMode::kLoseUnsynced)->Content("a"), expected);
}

TEST(SimulatedDiskTest, EqualSeedsCrashEqually) {
  SimulatedDisk disk;
  Write(disk, "a", RandomBytes(3, 50'000));
  Write(disk, "b", RandomBytes(4, 50'000));
  for (const CrashMode mode : kCrashModes) {
    const auto one = disk.Crash(7, mode);
    const auto two = disk.Clone()->Crash(7, mode);
    ASSERT_EQ(one->AllFiles(), two->AllFiles());
    for (const std::string& path : one->AllFiles()) {
      EXPECT_EQ(one->Content(path), two->Content(path)) << CrashModeName(mode);
    }
  }
}

TEST(SimulatedDiskTest, FailedSyncLosesTheDataThoughItCanStillBeRead) {
  SimulatedDisk disk;
  const auto file = Write(disk, "a", AsBytes("bytes"));
  ASSERT_TRUE(IsOk(disk.SyncDirectory("")));
  disk.InjectFault(Fault::OfSyncs(1, false));
  EXPECT_TRUE(HasCode(file->Sync(), Code::kIo));
  EXPECT_TRUE(IsOk(file->Sync())) << "the trap: the kernel tells once";
  EXPECT_EQ(AsText(disk.Content("a")), "bytes");
  EXPECT_TRUE(IsAllZero(disk.Crash(0, CrashMode::kLoseUnsynced)->Content("a")));
}

TEST(SimulatedDiskTest, FailedSyncOfADirectoryLosesItsChanges) {
  SimulatedDisk disk;
  ASSERT_TRUE(IsOk(Write(disk, "a", AsBytes("x"))->Sync()));
  disk.InjectFault(Fault::OfKind(OperationKind::kSyncDirectory, 1, false));
  EXPECT_TRUE(HasCode(disk.SyncDirectory(""), Code::kIo));
  EXPECT_TRUE(IsOk(disk.SyncDirectory("")));
  EXPECT_TRUE(disk.Exists("a"));
  EXPECT_TRUE(disk.Crash(0, CrashMode::kLoseUnsynced)->AllFiles().empty());
}

TEST(SimulatedDiskTest, FaultsHitTheNthMatchingOperation) {
  SimulatedDisk disk;
  disk.InjectFault(Fault::OfKind(OperationKind::kCreate, 2, false, ENOSPC));
  EXPECT_TRUE(IsOk(disk.Create("a")));
  EXPECT_TRUE(HasCode(disk.Create("b"), Code::kNoSpace));
  EXPECT_TRUE(IsOk(disk.Create("b")));
  disk.InjectFault(Fault::OfKind(OperationKind::kList, 1, true));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(HasCode(disk.List(""), Code::kIo));
  disk.ClearFaults();
  EXPECT_TRUE(IsOk(disk.List("")));
}

TEST(SimulatedDiskTest, ShortWriteLeavesSomeBytes) {
  SimulatedDisk disk;
  auto file = disk.Create("a");
  disk.InjectFault({.error_number = ENOSPC, .short_write = true});
  EXPECT_TRUE(HasCode((*file)->Append(Bytes(1000)), Code::kNoSpace));
  EXPECT_EQ(disk.Content("a").size(), 500U);
}

TEST(SimulatedDiskTest, FrozenDiskDoesNothingMore) {
  SimulatedDisk disk;
  disk.FreezeAfter(1);
  auto file = disk.Create("a");
  ASSERT_TRUE(IsOk(file));
  EXPECT_TRUE(IsOk(disk.List("")));
  EXPECT_FALSE(disk.frozen());
  EXPECT_TRUE(HasCode((*file)->Append(AsBytes("x")), Code::kIo));
  EXPECT_TRUE(disk.frozen());
  EXPECT_TRUE(HasCode(disk.List(""), Code::kIo));
  EXPECT_TRUE(disk.Content("a").empty());
  EXPECT_TRUE(IsOk(disk.Crash(0, CrashMode::kKeepAll)->List("")));
}

TEST(SimulatedDiskTest, ClonesDoNotShareWhatIsWrittenLater) {
  SimulatedDisk disk;
  const auto file = Write(disk, "a", AsBytes("one"));
  const auto clone = disk.Clone();
  const auto crashed = disk.Crash(0, CrashMode::kKeepAll);
  ASSERT_TRUE(IsOk(file->Append(AsBytes(" two"))));
  clone->FlipBit("a", 0);
  EXPECT_EQ(AsText(disk.Content("a")), "one two");
  EXPECT_EQ(AsText(clone->Content("a")), "nne");
  EXPECT_EQ(AsText(crashed->Content("a")), "one");
}

TEST(SimulatedDiskTest, DamageIsWhatItSays) {
  SimulatedDisk disk;
  disk.SetContent("a", Bytes(1500, 0xFF));
  disk.SetContent("b", Bytes(10, 0x01));
  disk.ZeroSector("a", 1);
  Bytes content = disk.Content("a");
  EXPECT_EQ(std::count(content.begin(), content.end(), 0), 512);
  EXPECT_EQ(content[511], 0xFF);
  EXPECT_EQ(content[512], 0);
  disk.Truncate("a", 100);
  EXPECT_EQ(disk.Content("a").size(), 100U);
  disk.Swap("a", "b");
  EXPECT_EQ(disk.Content("a").size(), 10U);
  disk.CopyOver("a", "c");
  EXPECT_EQ(disk.AllFiles(), (std::vector<std::string>{"a", "b", "c"}));
  disk.Erase("a");
  EXPECT_FALSE(disk.Exists("a"));
}

TEST(SimulatedBlockDeviceTest, CrashKeepsWhatWasSyncedAndNothingIsInvented) {
  const Bytes initial = RandomBytes(5, 64 * kSectorBytes);
  const Bytes first = RandomBytes(6, initial.size());
  const Bytes second = RandomBytes(7, 20 * kSectorBytes);
  SimulatedBlockDevice device(initial);
  ASSERT_TRUE(IsOk(device.Write(0, first)));
  ASSERT_TRUE(IsOk(device.Sync()));
  ASSERT_TRUE(IsOk(device.Write(8 * kSectorBytes, second)));
  ASSERT_TRUE(IsOk(device.WriteZeros(20 * kSectorBytes, 8 * kSectorBytes)));
  EXPECT_EQ(device.Crash(0, CrashMode::kLoseUnsynced)->Content(), first);
  EXPECT_EQ(device.Crash(0, CrashMode::kKeepAll)->Content(), device.Content());
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Bytes after = device.Crash(seed, CrashMode::kTorn)->Content();
    EXPECT_TRUE(std::equal(after.begin(), after.begin() + 8 * kSectorBytes, first.begin()));
    EXPECT_TRUE(std::equal(after.begin() + 28 * kSectorBytes, after.end(),
                           first.begin() + 28 * kSectorBytes));
    EXPECT_NE(after, device.Content());
  }
}

TEST(SimulatedBlockDeviceTest, FailedSyncPoisonsAndLoses) {
  SimulatedBlockDevice device(Bytes(4096, 1));
  ASSERT_TRUE(IsOk(device.WriteZeros(0, 4096)));
  device.InjectFault(Fault::OfSyncs(1, false));
  EXPECT_TRUE(HasCode(device.Sync(), Code::kIo));
  EXPECT_TRUE(HasCode(device.Sync(), Code::kIo));
  EXPECT_TRUE(HasCode(device.Write(0, Bytes(1)), Code::kIo));
  device.Reopen();
  EXPECT_TRUE(IsOk(device.Sync()));
  EXPECT_EQ(device.Crash(0, CrashMode::kLoseUnsynced)->Content(), Bytes(4096, 1));
}

TEST(SimulatedBlockDeviceTest, BrokenSectorFailsTheReadThatTouchesIt) {
  SimulatedBlockDevice device(RandomBytes(8, 65536));
  device.BreakSector(100);
  const auto reader = device.NewReader({.slots = 1, .slot_bytes = 65536});
  ASSERT_TRUE(IsOk(reader->Start(0, 0, 49152)));
  EXPECT_TRUE(IsOk(reader->Wait(0)));
  ASSERT_TRUE(IsOk(reader->Start(0, 49152, 16384)));
  const auto range = reader->Wait(0);
  EXPECT_TRUE(HasCode(range, Code::kIo));
  EXPECT_TRUE(Mentions(range, "offset 51200"));
}

}  // namespace
}  // namespace varve
