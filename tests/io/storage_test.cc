#include "io/storage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>

#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/simulated_disk.h"

namespace varve {
namespace {

constexpr uint64_t kSeeds = 8;

// A disk with a directory and an object that must survive whatever happens.
std::unique_ptr<SimulatedDisk> DiskWithOldObject() {
  auto disk = std::make_unique<SimulatedDisk>();
  Storage storage(*disk);
  EXPECT_TRUE(IsOk(storage.CreateDirectory("d")));
  EXPECT_TRUE(IsOk(storage.Publish("d/old", AsBytes("old"))));
  return disk;
}

// Objects of several pieces and several sectors.
Status PublishNew(Storage& storage, const Bytes& content) {
  const ByteSpan pieces[] = {ByteSpan(content).first(1300), ByteSpan(content).subspan(1300)};
  return storage.Publish("d/new", pieces);
}

void ExpectWholeOrAbsent(SimulatedDisk& disk, const Bytes& content, bool must_exist) {
  EXPECT_EQ(AsText(disk.Content("d/old")), "old");
  if (disk.Exists("d/new")) {
    EXPECT_TRUE(disk.Content("d/new") == content);
  } else {
    EXPECT_FALSE(must_exist) << "published and lost";
  }
  for (const std::string& path : disk.AllFiles()) {
    EXPECT_TRUE(path == "d/old" || path == "d/new" || path.ends_with(kTemporarySuffix)) << path;
  }
}

// Crashes the disk in every mode under many seeds, and once more crashed is the same.
void ExpectSurvivesEveryCrash(const SimulatedDisk& disk, const Bytes& content, bool must_exist) {
  for (const CrashMode mode : kCrashModes) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(CrashModeName(mode) + ", seed " + std::to_string(seed));
      const auto crashed = disk.Crash(seed, mode);
      ExpectWholeOrAbsent(*crashed, content, must_exist);
      Storage storage(*crashed);
      EXPECT_TRUE(IsOk(storage.RemoveTemporaries("d")));
      for (const std::string& path : crashed->AllFiles()) {
        EXPECT_TRUE(path == "d/old" || path == "d/new") << path;
      }
    }
  }
}

TEST(StorageTest, PublishIsAtomicUnderACrashAtEveryChange) {
  const Bytes content = RandomBytes(1, 5000);
  for (uint64_t changes = 0;; ++changes) {
    SCOPED_TRACE("crash after change " + std::to_string(changes));
    const auto disk = DiskWithOldObject();
    disk->FreezeAfter(changes);
    Storage storage(*disk);
    const Status published = PublishNew(storage, content);
    EXPECT_EQ(published.ok(), !disk->frozen());
    ExpectSurvivesEveryCrash(*disk, content, published.ok());
    if (!disk->frozen()) {
      EXPECT_GE(changes, 6U);  // create, append, append, sync, rename, sync of the directory
      break;
    }
  }
}

TEST(StorageTest, RemoveIsAtomicUnderACrashAtEveryChange) {
  const Bytes content = RandomBytes(2, 5000);
  for (uint64_t changes = 0; changes <= 2; ++changes) {
    const auto disk = DiskWithOldObject();
    Storage storage(*disk);
    ASSERT_TRUE(IsOk(PublishNew(storage, content)));
    disk->FreezeAfter(changes);
    const Status removed = storage.Remove("d/new");
    EXPECT_EQ(removed.ok(), changes == 2);
    ExpectSurvivesEveryCrash(*disk, content, changes == 0);
    for (uint64_t seed = 0; removed.ok() && seed < kSeeds; ++seed) {
      EXPECT_FALSE(disk->Crash(seed, CrashMode::kTorn)->Exists("d/new"));
    }
  }
}

TEST(StorageTest, WhateverOperationFailsTheObjectIsWholeOrAbsent) {
  const Bytes content = RandomBytes(3, 5000);
  for (const bool sticky : {false, true}) {
    for (const int error_number : {EIO, ENOSPC}) {
      for (const bool short_write : {false, true}) {
        for (uint64_t nth = 1; nth <= 12; ++nth) {
          SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? " and all after" : ""));
          const auto disk = DiskWithOldObject();
          disk->InjectFault({.nth = nth,
                             .sticky = sticky,
                             .error_number = error_number,
                             .short_write = short_write});
          Storage storage(*disk);
          const Status published = PublishNew(storage, content);
          ExpectSurvivesEveryCrash(*disk, content, published.ok());
          disk->ClearFaults();
          if (published.ok()) {
            EXPECT_EQ(*storage.ReadSmall("d/new", 5000), content);
          }
        }
      }
    }
  }
}

TEST(StorageTest, FailedSyncIsNeverRepeatedOnTheSameFile) {
  const Bytes content = RandomBytes(4, 5000);
  const auto disk = DiskWithOldObject();
  std::vector<std::string> synced;
  disk->SetObserver([&](const Operation& operation) {
    if (operation.kind == OperationKind::kSync) synced.push_back(operation.path);
  });
  disk->InjectFault(Fault::OfKind(OperationKind::kSync, 1, false));
  Storage storage(*disk);
  ASSERT_TRUE(IsOk(PublishNew(storage, content)));
  ASSERT_EQ(synced.size(), 2U);
  EXPECT_NE(synced[0], synced[1]);
  EXPECT_FALSE(disk->Exists(synced[0])) << "the abandoned temporary is still there";
  ExpectSurvivesEveryCrash(*disk, content, true);
}

TEST(StorageTest, SecondFailedSyncMakesItReadOnlyWithTheFirstError) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  disk->InjectFault(Fault::OfKind(OperationKind::kSync, 1, true));
  const Status first = storage.Publish("d/first", AsBytes("x"));
  EXPECT_TRUE(HasCode(first, Code::kIo));
  EXPECT_TRUE(Mentions(first, "read-only"));
  EXPECT_TRUE(Mentions(first, "d/first"));
  disk->ClearFaults();
  const uint64_t changes = disk->change_count();
  const Status second = storage.Publish("d/second", AsBytes("x"));
  EXPECT_EQ(second.message(), first.message());
  EXPECT_EQ(storage.Remove("d/old").message(), first.message());
  EXPECT_EQ(storage.CreateDirectory("e").message(), first.message());
  EXPECT_EQ(disk->change_count(), changes) << "a read-only storage touched the disk";
  EXPECT_EQ(AsText(*storage.ReadSmall("d/old", 10)), "old");
  EXPECT_EQ(disk->AllFiles(), std::vector<std::string>{"d/old"});
}

TEST(StorageTest, TwoFailedSyncsInItsLifeAreTwo) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  disk->InjectFault(Fault::OfKind(OperationKind::kSync, 1, false));
  disk->InjectFault(Fault::OfKind(OperationKind::kSync, 3, false));
  EXPECT_TRUE(IsOk(storage.Publish("d/a", AsBytes("x"))));
  EXPECT_TRUE(Mentions(storage.Publish("d/b", AsBytes("x")), "read-only"));
}

TEST(StorageTest, FailedSyncOfTheDirectoryTakesTheObjectBackAndMakesItReadOnly) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  disk->InjectFault(Fault::OfKind(OperationKind::kSyncDirectory, 1, false));
  const Status status = storage.Publish("d/new", AsBytes("x"));
  EXPECT_TRUE(HasCode(status, Code::kIo));
  EXPECT_FALSE(disk->Exists("d/new"));
  EXPECT_TRUE(Mentions(storage.Publish("d/other", AsBytes("x")), "read-only"));
}

TEST(StorageTest, NeverReplacesAnObject) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  EXPECT_TRUE(HasCode(storage.Publish("d/old", AsBytes("new")), Code::kAlreadyExists));
  EXPECT_EQ(disk->AllFiles(), std::vector<std::string>{"d/old"});
  EXPECT_EQ(AsText(disk->Content("d/old")), "old");
}

TEST(StorageTest, OneOfManyPublishersOfANameWins) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const Status status = storage.Publish("d/new", AsBytes("from " + std::to_string(i)));
      if (status.ok()) ++winners;
      EXPECT_TRUE(status.ok() || status.code() == Code::kAlreadyExists) << status.message();
      EXPECT_TRUE(IsOk(storage.Publish("d/own" + std::to_string(i), AsBytes("x"))));
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(storage.List("d")->size(), 10U);
}

TEST(StorageTest, NoSpaceLeavesNothingAndIsNotHeldAgainstTheDisk) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  disk->SetCapacity(1000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(HasCode(storage.Publish("d/new", RandomBytes(5, 2000)), Code::kNoSpace));
  }
  EXPECT_EQ(disk->AllFiles(), std::vector<std::string>{"d/old"});
  EXPECT_TRUE(IsOk(storage.Publish("d/new", RandomBytes(5, 500))));
  EXPECT_TRUE(IsOk(storage.Remove("d/new")));
}

TEST(StorageTest, NamesOfDeadWritersTemporariesAreSkipped) {
  const auto disk = DiskWithOldObject();
  // The next numbers of this process, as if an earlier process with its id had left them.
  for (int i = 0; i < 500; ++i) {
    disk->SetContent("d/new." + std::to_string(getpid()) + "." + std::to_string(i) + ".tmp", {});
  }
  Storage storage(*disk);
  EXPECT_TRUE(IsOk(storage.Publish("d/new", AsBytes("x"))));
  EXPECT_EQ(AsText(disk->Content("d/new")), "x");
}

TEST(StorageTest, ListHidesTemporariesAndDirectoriesAndSorts) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  ASSERT_TRUE(IsOk(storage.CreateDirectory("d/sub")));
  ASSERT_TRUE(IsOk(storage.Publish("d/b", AsBytes("x"))));
  ASSERT_TRUE(IsOk(storage.Publish("d/a", AsBytes("x"))));
  disk->SetContent("d/c.1.2.tmp", {});
  const auto entries = storage.List("d");
  ASSERT_TRUE(IsOk(entries));
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_EQ((*entries)[1].name, "b");
  EXPECT_EQ((*entries)[2].name, "old");
  EXPECT_TRUE(IsOk(storage.RemoveTemporaries("d")));
  EXPECT_FALSE(disk->Exists("d/c.1.2.tmp"));
  EXPECT_EQ(storage.List("d")->size(), 3U);
}

TEST(StorageTest, CreatedDirectoryIsDurable) {
  SimulatedDisk disk;
  Storage storage(disk);
  ASSERT_TRUE(IsOk(storage.CreateDirectory("d")));
  ASSERT_TRUE(IsOk(storage.CreateDirectory("d/e")));
  const auto crashed = disk.Crash(0, CrashMode::kLoseUnsynced);
  EXPECT_TRUE(crashed->Exists("d/e"));
}

TEST(StorageTest, ReadSmallRefusesWhatIsTooLarge) {
  const auto disk = DiskWithOldObject();
  Storage storage(*disk);
  EXPECT_EQ(AsText(*storage.ReadSmall("d/old", 3)), "old");
  EXPECT_TRUE(HasCode(storage.ReadSmall("d/old", 2), Code::kCorruption));
  EXPECT_TRUE(HasCode(storage.ReadSmall("d/missing", 2), Code::kNotFound));
}

}  // namespace
}  // namespace varve
