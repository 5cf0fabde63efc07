#include <gtest/gtest.h>

#include "heal/damage_spots.h"
#include "heal/repair_rig.h"

namespace varve {
namespace {

void ExpectEqualContent(SimulatedMachine& machine, const Committed& committed) {
  for (const auto& [id, content] : committed) {
    const auto bytes = machine.ReadBack(id);
    ASSERT_TRUE(IsOk(bytes));
    EXPECT_EQ(*bytes, content);
  }
}

std::vector<SnapshotRecord> Listed(SimulatedMachine& machine) {
  auto records = machine.List();
  EXPECT_TRUE(IsOk(records));
  return records.ok() ? *std::move(records) : std::vector<SnapshotRecord>();
}

uint64_t PackBytes(SimulatedMachine& machine) {
  uint64_t bytes = 0;
  for (const std::string& path : machine.disk().AllFiles()) {
    if (path.starts_with("packs/")) bytes += machine.disk().Content(path).size();
  }
  return bytes;
}

TEST(CopyTest, KeepsIdTimesTagsAndContentAndTellsTheOrigin) {
  for (const TwinKeys keys : {TwinKeys::kShared, TwinKeys::kOwn}) {
    RepairRig rig(keys);
    ExpectEqualContent(rig.twin(), rig.committed());
    EXPECT_EQ(FindUnsound(rig.twin(), rig.committed(), rig.latest().Content()), "");
    const auto copies = rig.twin().List();
    ASSERT_TRUE(IsOk(copies));
    const RepositoryId origin = MustOpen(rig.machine(), OpenMode::kRead)->config().id;
    for (size_t i = 0; i < rig.records().size(); ++i) {
      const SnapshotRecord& record = rig.records()[i];
      const SnapshotRecord& copy = (*copies)[i];
      EXPECT_EQ(copy.id, record.id);
      EXPECT_EQ(copy.start_unix_ns, record.start_unix_ns);
      EXPECT_EQ(copy.tags, record.tags);
      EXPECT_EQ(copy.consistency, record.consistency);
      EXPECT_EQ(copy.root == record.root, keys == TwinKeys::kShared);
      ASSERT_TRUE(copy.origin.has_value());
      EXPECT_EQ(copy.origin->repository, origin);
      EXPECT_EQ(copy.origin->sequence, record.sequence);
      EXPECT_EQ(copy.origin->parent, record.parent);
      EXPECT_EQ(copy.origin->predecessor, record.predecessor);
    }
  }
}

TEST(CopyTest, SendsOnlyWhatIsMissing) {
  RepairRig rig;
  // All there: nothing is read, nothing is sent.
  std::vector<CopyReport> reports;
  const auto before = Tree(rig.twin().disk());
  ASSERT_TRUE(IsOk(CopyAll(rig.machine(), rig.twin(), &reports)));
  for (const CopyReport& report : reports)
    EXPECT_TRUE(report.was_there);
  EXPECT_EQ(before, Tree(rig.twin().disk()));
  // One more snapshot with few changes.
  const auto taken = rig.machine().Take(Edited(9, rig.latest().Content(), 3));
  ASSERT_TRUE(IsOk(taken));
  reports.clear();
  ASSERT_TRUE(IsOk(CopyAll(rig.machine(), rig.twin(), &reports)));
  const CopyReport& last = reports.back();
  EXPECT_FALSE(last.was_there);
  EXPECT_LE(last.chunks_sent, taken->record.statistics.chunks_new);
  EXPECT_LE(last.nodes_sent, 5u);
  EXPECT_LT(last.chunks_known, 150u) << "equal leaves were looked through";
  EXPECT_EQ(last.frames_as_stored, last.chunks_sent + last.nodes_sent);
}

TEST(CopyTest, TakesNoMoreRoomThanTheOriginal) {
  RepairRig rig;
  EXPECT_LE(PackBytes(rig.twin()), PackBytes(rig.machine()) + PackBytes(rig.machine()) / 20);
}

TEST(CopyTest, CopiesALaterSnapshotAloneWithDeltasStoredWhole) {
  RepairRig rig;
  const auto source = MustOpen(rig.machine(), OpenMode::kRead);
  SimulatedMachine target(8);
  RepositoryOptions options(kTestChunkBytes);
  options.like = &source->config();
  ASSERT_TRUE(IsOk(target.Create(options)));
  Progress progress;
  const SnapshotRecord& last = rig.records().back();
  const auto report = CopySnapshot(*source, last, *MustOpen(target, OpenMode::kWrite), progress);
  ASSERT_TRUE(IsOk(report));
  EXPECT_LT(report->frames_as_stored, report->chunks_sent + report->nodes_sent);
  EXPECT_EQ(FindUnsound(target, {{last.id, rig.committed().at(last.id)}}, rig.latest().Content()),
            "");
}

TEST(CopyTest, RefusesToCopyDamage) {
  RepairRig rig;
  const auto source = rig.Clone();
  for (const DamageSpot& spot : FindSpots(rig.machine())) {
    if (spot.is_stored_bytes) Damage(*source, spot);
  }
  for (const bool shared : {true, false}) {
    SimulatedMachine target(8);
    RepositoryOptions options(kTestChunkBytes);
    const RepositoryConfig config = MustOpen(*source, OpenMode::kRead)->config();
    if (shared) options.like = &config;
    ASSERT_TRUE(IsOk(target.Create(options)));
    EXPECT_TRUE(HasCode(CopyAll(*source, target), Code::kCorruption));
    for (const SnapshotRecord& record : Listed(target)) {
      EXPECT_EQ(*target.ReadBack(record.id), rig.committed().at(record.id));
    }
  }
}

TEST(CopyTest, RefusesItself) {
  RepairRig rig;
  const auto clone = rig.Clone();
  EXPECT_TRUE(HasCode(CopyAll(rig.machine(), *clone), Code::kInvalidArgument));
}

}  // namespace
}  // namespace varve
