// What deletes and collections do to everything else: nothing.
#include <gtest/gtest.h>

#include <random>

#include "gc/collecting.h"
#include "gc/unique_size.h"
#include "repo/condemned_packs.h"
#include "restore/snapshot_reader.h"
#include "sim/expect_status.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 3 * 64 * kTestChunkBytes + 777;

class CollectionTest : public testing::Test {
 protected:
  CollectionTest() { EXPECT_TRUE(IsOk(machine_.Create())); }

  SnapshotId Take(const Bytes& content, const std::string& volume = "v") {
    const auto report = machine_.Take(content, SimulatedMachine::SmallOptions(volume));
    EXPECT_TRUE(IsOk(report));
    if (!report.ok()) return {};
    committed_[report->record.id] = content;
    return report->record.id;
  }
  void ForgetOne(const SnapshotId& id) {
    EXPECT_TRUE(IsOk(Forget(machine_, {id})));
    committed_.erase(id);
  }
  void ExpectSound() { EXPECT_EQ(FindUnsound(machine_, committed_, VolumeBytes(99, 5000)), ""); }
  void ExpectNothingCondemned() {
    const auto repository = machine_.Open(OpenMode::kRead);
    ASSERT_TRUE(IsOk(repository));
    const auto groups = ReadCondemned((*repository)->storage(), (*repository)->config().id);
    ASSERT_TRUE(IsOk(groups));
    EXPECT_TRUE(groups->empty());
  }

  SimulatedMachine machine_;
  Committed committed_;
};

TEST(Collections, RandomHistoriesKeepAllOthersByteForByte) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedMachine machine(seed);
    ASSERT_TRUE(IsOk(machine.Create()));
    Committed committed;
    std::mt19937_64 random(seed);
    std::map<std::string, Bytes> volumes = {{"a", VolumeBytes(seed, kVolumeBytes)},
                                            {"b", VolumeBytes(seed + 100, kVolumeBytes / 2)}};
    for (int step = 0; step < 14; ++step) {
      const uint64_t what = random() % 8;
      if (what < 5) {
        auto& [name, content] = *std::next(volumes.begin(), static_cast<int>(random() % 2));
        content = Edited(random(), content, random() % 60);
        const auto report = machine.Take(content, SimulatedMachine::SmallOptions(name));
        ASSERT_TRUE(IsOk(report));
        committed[report->record.id] = content;
      } else if (what < 7 && !committed.empty()) {
        const SnapshotId id =
            std::next(committed.begin(), static_cast<int>(random() % committed.size()))->first;
        ASSERT_TRUE(IsOk(Forget(machine, {id})));
        committed.erase(id);
      } else {
        ASSERT_TRUE(IsOk(Collect(machine)));
      }
      if (random() % 6 == 0) machine.local().LoseIndex();
    }
    ASSERT_TRUE(IsOk(Collect(machine)));
    EXPECT_EQ(FindUnsound(machine, committed, VolumeBytes(99, 5000)), "");
  }
}

TEST_F(CollectionTest, WhatIsLeftTakesWhatARepositoryOfItAloneTakes) {
  Bytes content = VolumeBytes(1, kVolumeBytes);
  std::vector<SnapshotId> ids;
  SimulatedMachine alone(2);
  ASSERT_TRUE(IsOk(alone.Create()));
  for (uint64_t i = 0; i < 12; ++i) {
    ids.push_back(Take(content));
    if (i % 2 == 1) {
      ASSERT_TRUE(IsOk(alone.Take(content)));
    }
    content = Edited(i, content, 200);
  }
  const uint64_t before = PackBytes(machine_);
  for (size_t i = 0; i < ids.size(); i += 2)
    ForgetOne(ids[i]);
  const auto report = Collect(machine_);
  ASSERT_TRUE(IsOk(report));
  EXPECT_EQ(report->snapshots_removed, 6U);
  EXPECT_GT(report->packs_unlinked, 0U);
  EXPECT_LT(PackBytes(machine_), before);
  EXPECT_LE(PackBytes(machine_), PackBytes(alone) * 11 / 10);
  ExpectSound();
}

TEST_F(CollectionTest, AllDeletedLeavesNothing) {
  ForgetOne(Take(VolumeBytes(1, kVolumeBytes)));
  ASSERT_TRUE(IsOk(Collect(machine_)));
  EXPECT_EQ(PackBytes(machine_), 0U);
  ExpectNothingCondemned();
  ExpectSound();
}

TEST_F(CollectionTest, ACleanRepositoryIsLeftAsItIs) {
  Take(VolumeBytes(1, kVolumeBytes));
  const std::vector<std::string> files = machine_.disk().AllFiles();
  ASSERT_TRUE(IsOk(Collect(machine_)));
  EXPECT_EQ(machine_.disk().AllFiles(), files);
}

TEST_F(CollectionTest, WhatASessionMayRelyOnStaysUntilItEnds) {
  const Bytes content = VolumeBytes(1, kVolumeBytes);
  const SnapshotId id = Take(content);
  {
    const auto writer = machine_.Open(OpenMode::kWrite);
    ASSERT_TRUE(IsOk(writer));
    const auto session = (*writer)->BeginSession("test", SessionRole::kWriter, {id});
    ASSERT_TRUE(IsOk(session));
    ASSERT_TRUE(IsOk(Forget(machine_, {id})));
    ASSERT_TRUE(IsOk(Collect(machine_)));
    const auto bytes = machine_.ReadBack(id);  // pinned: deleted, and still readable
    ASSERT_TRUE(IsOk(bytes));
    EXPECT_TRUE(*bytes == content);
  }
  committed_.clear();
  ASSERT_TRUE(IsOk(Collect(machine_)));
  EXPECT_EQ(PackBytes(machine_), 0U);
}

TEST_F(CollectionTest, PacksOfAnInterruptedWriterAreCondemnedAndWait) {
  const Bytes content = VolumeBytes(1, kVolumeBytes);
  ForgetOne(Take(content));
  {
    const auto writer = machine_.Open(OpenMode::kWrite);
    ASSERT_TRUE(IsOk(writer));
    const auto session = (*writer)->BeginSession("a long one", SessionRole::kWriter, {});
    ASSERT_TRUE(IsOk(session));
    const auto report = Collect(machine_);
    ASSERT_TRUE(IsOk(report));
    EXPECT_EQ(report->packs_unlinked, 0U);
    EXPECT_GT(report->packs_condemned, 0U);
    EXPECT_EQ(report->waiting_for, std::vector<std::string>{"a long one"});
  }
  // Who begins now stores again what is condemned, and relies on none of it.
  const SnapshotId id = Take(content);
  ASSERT_TRUE(IsOk(Collect(machine_)));
  ExpectNothingCondemned();
  EXPECT_EQ(committed_.count(id), 1U);
  ExpectSound();
}

TEST_F(CollectionTest, AReaderWithAnOldViewOfTheIndexGoesOn) {
  Bytes content = VolumeBytes(1, kVolumeBytes);
  const SnapshotId old = Take(content);
  content = Edited(5, content, 400);
  const SnapshotId id = Take(content);
  const auto repository = machine_.Open(OpenMode::kRead);
  ASSERT_TRUE(IsOk(repository));
  const auto record = (*repository)->Snapshot(id);
  ASSERT_TRUE(IsOk(record));
  const auto pin = (*repository)->BeginSession("mount", SessionRole::kReader, {id});
  ASSERT_TRUE(IsOk(pin));
  const auto reader = SnapshotReader::Open(**repository, *record, kMiB);
  ASSERT_TRUE(IsOk(reader));
  Bytes page(4096);
  ASSERT_TRUE(IsOk((*reader)->ReadAt(0, page)));
  ForgetOne(old);
  const auto report = Collect(machine_);
  ASSERT_TRUE(IsOk(report));
  EXPECT_GT(report->packs_unlinked, 0U) << "readers do not hold a collection up";
  Bytes all(content.size());
  ASSERT_TRUE(IsOk((*reader)->ReadAt(0, all)));
  EXPECT_TRUE(all == content);
}

TEST_F(CollectionTest, TheBrakeStopsBeforeAnythingIsChanged) {
  ForgetOne(Take(VolumeBytes(1, kVolumeBytes)));
  const std::vector<std::string> files = machine_.disk().AllFiles();
  EXPECT_EQ(Collect(machine_, {}).status().code(), Code::kDenied);
  EXPECT_EQ(machine_.disk().AllFiles(), files);
}

TEST_F(CollectionTest, ADamagedRecordOrTreeStopsIt) {
  const SnapshotId first = Take(VolumeBytes(1, kVolumeBytes));
  Take(VolumeBytes(2, kVolumeBytes), "w");
  ForgetOne(first);
  const std::string record = SnapshotPath(committed_.begin()->first);
  machine_.disk().FlipBit(record, 900);
  EXPECT_EQ(Collect(machine_).status().code(), Code::kCorruption);
  machine_.disk().FlipBit(record, 900);
  machine_.local().LoseIndex();
  for (const std::string& pack : machine_.Packs(PackContent::kNodes))
    machine_.disk().Erase(pack);
  const std::vector<std::string> files = machine_.disk().AllFiles();
  EXPECT_FALSE(Collect(machine_).ok());
  EXPECT_EQ(machine_.disk().AllFiles(), files);
}

TEST_F(CollectionTest, APackWithoutAWholeFooterIsKept) {
  const SnapshotId id = Take(VolumeBytes(1, kVolumeBytes));
  const std::string pack = machine_.Packs(PackContent::kChunks)[0];
  ForgetOne(id);
  machine_.disk().FlipBit(pack, (machine_.disk().Content(pack).size() - 70) * 8);
  ASSERT_TRUE(IsOk(Collect(machine_)));
  EXPECT_TRUE(machine_.disk().Exists(pack));
}

TEST_F(CollectionTest, AppendOnlyRepositoriesRefuse) {
  SimulatedMachine machine(3);
  RepositoryOptions options(kTestChunkBytes);
  options.append_only = true;
  RepositoryEnvironment environment;
  environment.disk = &machine.disk();
  environment.local = &machine.local();
  ASSERT_TRUE(IsOk(Repository::Create(environment, options)));
  const auto report = machine.Take(VolumeBytes(1, 10000));
  ASSERT_TRUE(IsOk(report));
  EXPECT_EQ(Forget(machine, {report->record.id}).code(), Code::kDenied);
  EXPECT_EQ(Collect(machine).status().code(), Code::kDenied);
}

TEST_F(CollectionTest, HeldSnapshotsAreNotDeleted) {
  const SnapshotId id = Take(VolumeBytes(1, 10000));
  {
    const auto repository = machine_.Open(OpenMode::kMaintain);
    ASSERT_TRUE(IsOk(repository));
    ASSERT_TRUE(IsOk((*repository)->Hold(id, "legal")));
    const Status refused = (*repository)->Delete({&id, 1}, "x");
    EXPECT_EQ(refused.code(), Code::kDenied);
    EXPECT_NE(refused.message().find("legal"), std::string::npos);
    EXPECT_EQ((*repository)->Hold(id, "twice").code(), Code::kAlreadyExists);
    ASSERT_TRUE(IsOk((*repository)->Unhold(id)));
    EXPECT_EQ((*repository)->Unhold(id).code(), Code::kNotFound);
  }
  ForgetOne(id);
  EXPECT_EQ(Forget(machine_, {id}).code(), Code::kNotFound) << "twice";
}

TEST_F(CollectionTest, TheUniqueSizeIsWhatADeleteFrees) {
  Bytes content = VolumeBytes(1, kVolumeBytes);
  std::vector<SnapshotId> ids;
  for (uint64_t i = 0; i < 4; ++i) {
    ids.push_back(Take(content));
    content = Edited(i, content, 100);
  }
  const auto frame_bytes = [&] {
    const auto repository = machine_.Open(OpenMode::kRead);
    uint64_t bytes = 0;
    Storage& storage = (*repository)->storage();
    const auto packs = ListPacks(storage);
    EXPECT_TRUE(IsOk(packs));
    for (const PackListing& pack : *packs) {
      const auto frames = ReadPackFooter(storage, pack.id, (*repository)->config().id);
      EXPECT_TRUE(IsOk(frames));
      for (const PlacedFrame& frame : *frames)
        bytes += frame.info.FrameBytes();
    }
    return bytes;
  };
  for (const SnapshotId& id : {ids[1], ids[0], ids[3]}) {
    Progress progress;
    uint64_t promised = 0;
    {
      const auto repository = machine_.Open(OpenMode::kRead);
      ASSERT_TRUE(IsOk(repository));
      const auto sizes = UniqueSizes(**repository, progress);
      ASSERT_TRUE(IsOk(sizes));
      promised = sizes->at(id) - machine_.disk().Content(SnapshotPath(id)).size();
    }
    const uint64_t before = frame_bytes();
    ForgetOne(id);
    ASSERT_TRUE(IsOk(Collect(machine_)));
    EXPECT_EQ(before - frame_bytes(), promised);
  }
  ExpectSound();
}

}  // namespace
}  // namespace varve
