#include <gtest/gtest.h>

#include "heal/damage_spots.h"
#include "heal/repair_rig.h"
#include "heal/repairer.h"

namespace varve {
namespace {

class RepairTest : public testing::Test {
 protected:
  static RepairRig& rig() {
    static RepairRig rig;
    return rig;
  }
  static RepairRig& foreign() {
    static RepairRig rig(TwinKeys::kOwn);
    return rig;
  }
};

std::vector<std::string> Quarantined(SimulatedMachine& machine) {
  std::vector<std::string> paths;
  for (const std::string& path : machine.disk().AllFiles()) {
    if (path.starts_with("quarantine/")) paths.push_back(path);
  }
  return paths;
}

TEST_F(RepairTest, ChangesNothingInAWholeRepository) {
  const auto machine = rig().Clone();
  const auto twin = rig().CloneTwin();
  const std::map<std::string, Bytes> before = Tree(machine->disk());
  for (const bool execute : {false, true}) {
    RepairOptions options;
    options.execute = execute;
    options.prove_ids = true;
    const auto report = Repair(*machine, twin.get(), &rig().latest(), options);
    ASSERT_TRUE(IsOk(report));
    EXPECT_TRUE(report->clean()) << Describe(*report);
    EXPECT_TRUE(report->actions.empty()) << Describe(*report);
    EXPECT_EQ(before, Tree(machine->disk()));
  }
}

TEST_F(RepairTest, HealsOneByteInEachKindOfObjectFromATwin) {
  for (RepairRig* rig : {&RepairTest::rig(), &foreign()}) {
    size_t count = 0;
    for (const DamageSpot& spot : FindSpots(rig->machine())) {
      if (rig == &foreign() && ++count % 4 != 0) continue;  // they heal alike, but slower
      SCOPED_TRACE(spot.kind + ": " + spot.path + " at " + std::to_string(spot.byte) +
                   (rig == &foreign() ? ", a twin with other keys" : ""));
      const auto machine = rig->Clone();
      Damage(*machine, spot);
      const std::map<std::string, Bytes> damaged = Tree(machine->disk());
      const auto plan = Repair(*machine, &rig->twin(), nullptr, {});
      ASSERT_TRUE(IsOk(plan));
      EXPECT_EQ(damaged, Tree(machine->disk())) << "a dry run changed something";
      EXPECT_FALSE(plan->clean());
      EXPECT_TRUE(plan->healed()) << Describe(*plan);
      const auto report = Repair(*machine, &rig->twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(report));
      EXPECT_TRUE(report->healed()) << Describe(*report);
      EXPECT_EQ(plan->frames_healed, report->frames_healed);
      // The damaged object itself is still there, with its reason.
      const Bytes& original = damaged.at(spot.path);
      bool kept = false;
      for (const std::string& path : Quarantined(*machine)) {
        if (machine->disk().Content(path) != original) continue;
        kept = true;
        EXPECT_TRUE(machine->disk().Exists(path + ".reason"));
      }
      EXPECT_TRUE(kept);
      EXPECT_EQ(FindUnsound(*machine, rig->committed(), rig->latest().Content()), "");
    }
  }
}

TEST_F(RepairTest, HealsFromTheLiveVolumeWithoutAnyTwin) {
  // Only what the latest snapshot has: a volume that changed since cannot give back the past.
  SimulatedMachine single(3);
  ASSERT_TRUE(IsOk(single.Create()));
  const Bytes content = rig().latest().Content();
  const auto taken = single.Take(content);
  ASSERT_TRUE(IsOk(taken));
  for (const DamageSpot& spot : FindSpots(single)) {
    SCOPED_TRACE(spot.kind + ": " + spot.path);
    SimulatedMachine machine(4, single.disk().Clone(), single.local().Clone());
    Damage(machine, spot);
    const auto report = Repair(machine, nullptr, &rig().latest(), Execute());
    ASSERT_TRUE(IsOk(report));
    EXPECT_TRUE(report->healed()) << Describe(*report);
    EXPECT_EQ(FindUnsound(machine, {{taken->record.id, content}}, content), "");
  }
}

TEST_F(RepairTest, HealsPacksThatAreGoneAltogether) {
  for (RepairRig* rig : {&RepairTest::rig(), &foreign()}) {
    std::vector<std::string> packs = rig->machine().Packs(PackContent::kChunks);
    for (const std::string& path : rig->machine().Packs(PackContent::kNodes))
      packs.push_back(path);
    for (const std::string& path : packs) {
      SCOPED_TRACE(path);
      const auto machine = rig->Clone();
      machine->disk().Erase(path);
      const auto report = Repair(*machine, &rig->twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(report));
      EXPECT_TRUE(report->healed()) << Describe(*report);
      EXPECT_EQ(FindUnsound(*machine, rig->committed(), rig->latest().Content()), "");
    }
  }
}

TEST_F(RepairTest, HealsARecordOfWhichNothingIsLeft) {
  for (RepairRig* rig : {&RepairTest::rig(), &foreign()}) {
    for (const SnapshotRecord& record : rig->records()) {
      const auto machine = rig->Clone();
      const std::string path = SnapshotPath(record.id);
      const Bytes original = machine->disk().Content(path);
      machine->disk().SetContent(path, Bytes(original.size(), 0xee));
      const auto report = Repair(*machine, &rig->twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(report));
      EXPECT_TRUE(report->healed()) << Describe(*report);
      EXPECT_EQ(FindUnsound(*machine, rig->committed(), rig->latest().Content()), "");
      const auto healed =
          DecodeSnapshotRecord(path, machine->disk().Content(path),
                               MustOpen(*machine, OpenMode::kRead)->config().id, record.id);
      ASSERT_TRUE(IsOk(healed));
      EXPECT_EQ(healed->sequence, record.sequence);
      EXPECT_EQ(healed->parent, record.parent);
      EXPECT_EQ(healed->predecessor, record.predecessor);
      EXPECT_EQ(healed->root, record.root);
      EXPECT_FALSE(healed->origin.has_value());
    }
  }
}

TEST_F(RepairTest, TheOriginalHealsTheCopyToo) {
  for (RepairRig* rig : {&RepairTest::rig(), &foreign()}) {
    size_t count = 0;
    for (const DamageSpot& spot : FindSpots(rig->twin())) {
      if (++count % 4 != 0) continue;
      SCOPED_TRACE(spot.kind + ": " + spot.path);
      const auto twin = rig->CloneTwin();
      Damage(*twin, spot);
      const auto report = Repair(*twin, &rig->machine(), nullptr, Execute());
      ASSERT_TRUE(IsOk(report));
      EXPECT_TRUE(report->healed()) << Describe(*report);
      EXPECT_EQ(FindUnsound(*twin, rig->committed(), rig->latest().Content()), "");
    }
  }
}

// Without a source the report names exactly what a full read cannot read, and nothing else is lost.
TEST_F(RepairTest, NamesExactlyWhatIsLost) {
  for (const DamageSpot& spot : FindSpots(rig().machine())) {
    SCOPED_TRACE(spot.kind + ": " + spot.path + " at " + std::to_string(spot.byte));
    const auto machine = rig().Clone();
    Damage(*machine, spot);
    const auto report = Repair(*machine, nullptr, nullptr, Execute());
    ASSERT_TRUE(IsOk(report));
    // Everything but stored bytes heals from what the repository has itself.
    EXPECT_EQ(report->healed(), !spot.is_stored_bytes) << Describe(*report);
    std::map<SnapshotId, std::vector<bool>> lost;
    for (const auto& [id, content] : rig().committed())
      lost[id].resize(content.size());
    for (const HurtSnapshot& hurt : report->lost) {
      for (const HurtRange& range : hurt.ranges) {
        std::fill(lost[hurt.id].begin() + static_cast<ptrdiff_t>(range.begin),
                  lost[hurt.id].begin() + static_cast<ptrdiff_t>(range.end), true);
      }
    }
    const auto repository = MustOpen(*machine, OpenMode::kRead);
    for (const SnapshotRecord& record : rig().records()) {
      const auto reader = SnapshotReader::Open(*repository, record, 1 << 20);
      ASSERT_TRUE(IsOk(reader));
      const Bytes& content = rig().committed().at(record.id);
      Bytes chunk(kTestChunkBytes);
      for (size_t at = 0; at < content.size(); at += chunk.size()) {
        chunk.resize(std::min<size_t>(chunk.size(), content.size() - at));
        const Status read = (*reader)->ReadAt(at, chunk);
        EXPECT_EQ(read.ok(), !lost[record.id][at]) << record.id.Short() << " at " << at;
        if (read.ok()) {
          EXPECT_TRUE(
              std::equal(chunk.begin(), chunk.end(), content.begin() + static_cast<ptrdiff_t>(at)));
        }
      }
    }
    // A source that comes later heals what was lost.
    if (!spot.is_stored_bytes) continue;
    const auto later = Repair(*machine, &rig().twin(), nullptr, Execute());
    ASSERT_TRUE(IsOk(later));
    EXPECT_TRUE(later->healed()) << Describe(*later);
    EXPECT_EQ(FindUnsound(*machine, rig().committed(), rig().latest().Content()), "");
  }
}

TEST_F(RepairTest, UsesAnotherFrameWithTheSameId) {
  // The twin's packs brought over as files would be foreign; the same chunks stored twice are not.
  for (const DamageSpot& spot : FindSpots(rig().machine())) {
    if (!spot.is_stored_bytes) continue;
    SCOPED_TRACE(spot.path);
    const auto machine = rig().Clone();
    Damage(*machine, spot);
    ASSERT_TRUE(IsOk(Scrub(*machine)));
    ASSERT_TRUE(IsOk(machine->Take(rig().latest().Content())));  // stores the chunk again
    const auto report = Repair(*machine, nullptr, nullptr, Execute());
    ASSERT_TRUE(IsOk(report));
    if (!report->healed()) continue;  // a chunk of older snapshots only
    EXPECT_EQ(FindUnsound(*machine, rig().committed(), rig().latest().Content()), "");
  }
}

TEST_F(RepairTest, LooksOnlyAtWhatIsOnRecordIfAsked) {
  DamageSpot spot;
  for (const DamageSpot& candidate : FindSpots(rig().machine())) {
    if (candidate.is_stored_bytes) spot = candidate;
  }
  const auto machine = rig().Clone();
  Damage(*machine, spot);
  RepairOptions known = Execute();
  known.only_known = true;
  const auto blind = Repair(*machine, &rig().twin(), nullptr, known);
  ASSERT_TRUE(IsOk(blind));
  EXPECT_TRUE(blind->findings.empty());
  ASSERT_TRUE(IsOk(Scrub(*machine)));
  const auto report = Repair(*machine, &rig().twin(), nullptr, known);
  ASSERT_TRUE(IsOk(report));
  EXPECT_FALSE(report->findings.empty());
  EXPECT_TRUE(report->healed()) << Describe(*report);
  EXPECT_EQ(FindUnsound(*machine, rig().committed(), rig().latest().Content()), "");
  const auto scrubbed = Scrub(*machine);
  ASSERT_TRUE(IsOk(scrubbed));
  EXPECT_TRUE(scrubbed->clean());
}

TEST_F(RepairTest, DoesNotTakeBytesFromALyingTwin) {
  // A twin whose chunks are damaged in the same place heals nothing and breaks nothing.
  DamageSpot spot;
  for (const DamageSpot& candidate : FindSpots(rig().machine())) {
    if (candidate.is_stored_bytes) spot = candidate;
  }
  const auto machine = rig().Clone();
  const auto twin = rig().CloneTwin();
  Damage(*machine, spot);
  for (const DamageSpot& other : FindSpots(rig().twin())) {
    if (other.is_stored_bytes) Damage(*twin, other);
  }
  const auto report = Repair(*machine, twin.get(), nullptr, Execute());
  ASSERT_TRUE(IsOk(report));
  for (const auto& [id, content] : rig().committed()) {
    const auto bytes = machine->ReadBack(id);
    if (bytes.ok()) {
      EXPECT_EQ(*bytes, content);
    }
  }
}

TEST_F(RepairTest, IsRefusedWhileSomebodyReads) {
  const auto machine = rig().Clone();
  Damage(*machine, FindSpots(rig().machine()).back());
  const auto reading = MustOpen(*machine, OpenMode::kRead);
  const auto session = reading->BeginSession("mount", SessionRole::kReader, {});
  ASSERT_TRUE(IsOk(session));
  const std::map<std::string, Bytes> before = Tree(machine->disk());
  EXPECT_TRUE(HasCode(Repair(*machine, &rig().twin(), nullptr, Execute()), Code::kBusy));
  EXPECT_EQ(before, Tree(machine->disk()));
}

}  // namespace
}  // namespace varve
