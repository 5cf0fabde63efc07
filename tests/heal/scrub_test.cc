#include <gtest/gtest.h>

#include "base/limits.h"
#include "heal/damage_spots.h"
#include "heal/repair_rig.h"
#include "heal/scrubber.h"
#include "repo/damage_log.h"
#include "store/frame_writer.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

class ScrubTest : public testing::Test {
 protected:
  static RepairRig& rig() {
    static RepairRig rig;
    return rig;
  }
};

std::string Describe(const ScrubReport& report) {
  std::string text;
  for (const ScrubFinding& finding : report.findings) {
    text += finding.object + " at " + std::to_string(finding.offset) + ": " + finding.what + "\n";
  }
  for (const HurtSnapshot& hurt : report.hurt)
    text += "hurts " + hurt.id.Short() + "\n";
  for (const std::string& note : report.notes)
    text += "note: " + note + "\n";
  return text;
}

TEST_F(ScrubTest, FindsNothingInAWholeRepositoryAndLeavesItsObjectsAlone) {
  const auto machine = rig().Clone();
  const std::map<std::string, Bytes> before = Tree(machine->disk());
  for (const ScrubDepth depth : {ScrubDepth::kStored, ScrubDepth::kId}) {
    ScrubOptions options;
    options.depth = depth;
    const auto report = Scrub(*machine, options);
    ASSERT_TRUE(IsOk(report));
    EXPECT_TRUE(report->clean()) << Describe(*report);
    EXPECT_TRUE(report->complete);
    EXPECT_EQ(report->packs_verified, report->packs_total);
    EXPECT_EQ(report->frames_unproved, 0u);
    EXPECT_GT(report->frames_verified, 100u);
  }
  std::map<std::string, Bytes> after = Tree(machine->disk());
  std::erase_if(after, [](const auto& file) { return file.first.starts_with("scrub/"); });
  EXPECT_EQ(before, after);
}

TEST_F(ScrubTest, FindsAndLocatesOneByteInEachKindOfObject) {
  for (const DamageSpot& spot : FindSpots(rig().machine())) {
    SCOPED_TRACE(spot.kind + ": " + spot.path + " at " + std::to_string(spot.byte));
    const auto machine = rig().Clone();
    Damage(*machine, spot);
    const auto report = Scrub(*machine);
    ASSERT_TRUE(IsOk(report));
    ASSERT_FALSE(report->findings.empty());
    for (const ScrubFinding& finding : report->findings) {
      EXPECT_EQ(finding.object, spot.object) << finding.what;
      EXPECT_LE(finding.offset, spot.byte) << finding.what;
    }
    // What can be read by header or by footer alone hurts nobody; stored bytes do.
    if (spot.is_stored_bytes) {
      EXPECT_FALSE(report->hurt.empty());
    }
    // It stays on record until it is repaired.
    const auto again = Scrub(*machine);
    ASSERT_TRUE(IsOk(again));
    EXPECT_FALSE(again->clean());
  }
}

TEST_F(ScrubTest, FindsADamagedSessionWhoseProcessLives) {
  const auto machine = rig().Clone();
  const auto repository = MustOpen(*machine, OpenMode::kRead);
  const auto session = repository->BeginSession("test", SessionRole::kReader, {});
  ASSERT_TRUE(IsOk(session));
  const std::string path = SessionPath((*session)->record().id);
  machine->disk().FlipBit(path, 8 * 70);
  const auto report = Scrub(*machine);
  ASSERT_TRUE(IsOk(report));
  ASSERT_EQ(report->findings.size(), 1u) << Describe(*report);
  EXPECT_EQ(report->findings[0].object, path);
}

// The very ranges that a full read cannot read.
TEST_F(ScrubTest, NamesTheRangesThatAreHurt) {
  for (const DamageSpot& spot : FindSpots(rig().machine())) {
    if (!spot.is_stored_bytes) continue;
    SCOPED_TRACE(spot.kind + ": " + spot.path);
    const auto machine = rig().Clone();
    Damage(*machine, spot);
    const auto report = Scrub(*machine);
    ASSERT_TRUE(IsOk(report));
    const auto repository = MustOpen(*machine, OpenMode::kRead);
    std::map<SnapshotId, std::vector<std::pair<uint64_t, uint64_t>>> expected;
    for (const SnapshotRecord& record : rig().records()) {
      Progress progress;
      const auto verified = VerifySnapshot(*repository, record, VerifyLevel::kFull, progress);
      ASSERT_TRUE(IsOk(verified));
      for (const HurtRange& range : verified->hurt) {
        auto& ranges = expected[record.id];
        if (!ranges.empty() && ranges.back().second == range.begin) {
          ranges.back().second = range.end;
        } else {
          ranges.emplace_back(range.begin, range.end);
        }
      }
    }
    std::map<SnapshotId, std::vector<std::pair<uint64_t, uint64_t>>> found;
    for (const HurtSnapshot& hurt : report->hurt) {
      for (const HurtRange& range : hurt.ranges) {
        auto& ranges = found[hurt.id];
        if (!ranges.empty() && ranges.back().second == range.begin) {
          ranges.back().second = range.end;
        } else {
          ranges.emplace_back(range.begin, range.end);
        }
      }
    }
    EXPECT_EQ(found, expected);
  }
}

TEST_F(ScrubTest, LetsTheNextSnapshotStoreADamagedChunkAgain) {
  const Bytes latest = rig().latest().Content();
  for (const bool index_lost : {false, true}) {
    for (const DamageSpot& spot : FindSpots(rig().machine())) {
      if (!spot.is_stored_bytes) continue;
      SCOPED_TRACE(spot.kind + ": " + spot.path + (index_lost ? ", index lost" : ""));
      const auto machine = rig().Clone();
      Damage(*machine, spot);
      ASSERT_TRUE(IsOk(Scrub(*machine)));
      if (index_lost) machine->local().LoseIndex();
      const auto report = machine->Take(latest);
      ASSERT_TRUE(IsOk(report));
      const auto bytes = machine->ReadBack(report->record.id);
      ASSERT_TRUE(IsOk(bytes));
      EXPECT_EQ(*bytes, latest);
      // The same content in the snapshot before: what it shares with the new one is back too.
      const auto older = machine->ReadBack(rig().records().back().id);
      ASSERT_TRUE(IsOk(older));
      EXPECT_EQ(*older, latest);
    }
  }
}

TEST_F(ScrubTest, GoesOnWhereItStoppedAndLooksAtTheOldestFirst) {
  const auto machine = rig().Clone();
  ScrubOptions one_pack;
  one_pack.bytes_max = 1;
  const auto first = Scrub(*machine, one_pack);
  ASSERT_TRUE(IsOk(first));
  EXPECT_EQ(first->packs_verified, 1u);
  EXPECT_FALSE(first->resumed);
  EXPECT_FALSE(first->complete);
  EXPECT_EQ(first->oldest_verified_unix_ns, 0);
  uint64_t runs = 1;
  for (bool complete = false; !complete; ++runs) {
    const auto next = Scrub(*machine, one_pack);
    ASSERT_TRUE(IsOk(next));
    EXPECT_EQ(next->pass, first->pass);
    EXPECT_TRUE(next->resumed);
    EXPECT_LE(next->packs_verified, 1u);
    complete = next->complete;
    ASSERT_LE(runs, first->packs_total);
  }
  // A new pack comes before all that were seen.
  ASSERT_TRUE(IsOk(machine->Take(Edited(5, rig().latest().Content(), 3))));
  const auto packs = ListPacks(MustOpen(*machine, OpenMode::kRead)->storage());
  const uint64_t fresh = packs->size() - first->packs_total;
  ASSERT_GT(fresh, 0u);
  const auto repository = MustOpen(*machine, OpenMode::kRead);
  std::set<std::string> read;
  machine->disk().SetObserver([&](const Operation& operation) {
    if (operation.kind == OperationKind::kRead && operation.path.starts_with("packs/")) {
      read.insert(operation.path);
    }
  });
  ScrubOptions stored = one_pack;
  stored.depth = ScrubDepth::kStored;
  const auto next = Scrub(*machine, stored);
  machine->disk().SetObserver(nullptr);
  ASSERT_TRUE(IsOk(next));
  EXPECT_EQ(next->pass, first->pass + 1);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_FALSE(rig().machine().disk().Exists(*read.begin())) << "an old pack was looked at first";
}

TEST_F(ScrubTest, StartsAnewWhenItsProgressIsDamaged) {
  const auto machine = rig().Clone();
  ScrubOptions one_pack;
  one_pack.bytes_max = 1;
  ASSERT_TRUE(IsOk(Scrub(*machine, one_pack)));
  for (const std::string& path : machine->disk().AllFiles()) {
    if (path.starts_with("scrub/")) machine->disk().FlipBit(path, 301);
  }
  const auto report = Scrub(*machine);
  ASSERT_TRUE(IsOk(report));
  EXPECT_TRUE(report->clean());
  EXPECT_FALSE(report->resumed);
  EXPECT_TRUE(report->complete);
  ASSERT_EQ(report->notes.size(), 1u);
  EXPECT_NE(report->notes[0].find("progress"), std::string::npos);
}

TEST_F(ScrubTest, FindsAFrameWithAnotherIdOnlyWhenItProvesIds) {
  const auto machine = rig().Clone();
  {
    const auto repository = MustOpen(*machine, OpenMode::kWrite);
    FrameWriter writer(1);
    FrameBatch batch(2 * kFrameRawMax);
    ContentId wrong;
    wrong.bytes[3] = 1;
    const Bytes raw(4096, 'x');
    ASSERT_TRUE(IsOk(writer.Append(ContentKind::kChunk, wrong, raw, nullptr, &batch)));
    PackWriter pack(PackContent::kChunks, repository->config().id, 1 << 20);
    pack.Begin(repository->random().NewId<PackId>());
    pack.Append(batch.bytes(), batch.frames());
    const auto bytes = pack.Finish();
    ASSERT_TRUE(IsOk(bytes));
    ASSERT_TRUE(IsOk(repository->storage().Publish(PackPath(pack.id()), *bytes)));
  }
  ScrubOptions stored;
  stored.depth = ScrubDepth::kStored;
  const auto by_checksum = Scrub(*machine, stored);
  ASSERT_TRUE(IsOk(by_checksum));
  EXPECT_TRUE(by_checksum->clean());
  const auto by_id = Scrub(*machine);
  ASSERT_TRUE(IsOk(by_id));
  ASSERT_EQ(by_id->findings.size(), 1u) << Describe(*by_id);
  EXPECT_NE(by_id->findings[0].what.find("another id"), std::string::npos);
}

// Whatever fails, and whenever: no false alarm becomes durable, and the next scrub is as good as
// new.
TEST_F(ScrubTest, SurvivesAnyFailingOperation) {
  DamageSpot spot;
  for (const DamageSpot& candidate : FindSpots(rig().machine())) {
    if (candidate.is_stored_bytes) spot = candidate;
  }
  const auto fails = [](const Operation& operation) {
    return operation.kind != OperationKind::kList && operation.kind != OperationKind::kSize;
  };
  for (uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    const auto machine = rig().Clone();
    Damage(*machine, spot);
    Fault fault;
    fault.nth = nth;
    uint64_t seen = 0;
    fault.matches = [&](const Operation& operation) { return fails(operation) && ++seen > 0; };
    machine->disk().InjectFault(fault);
    const auto failed = Scrub(*machine);
    machine->disk().ClearFaults();
    const auto report = Scrub(*machine);
    ASSERT_TRUE(IsOk(report));
    EXPECT_FALSE(report->hurt.empty());
    if (seen < nth) break;
  }
}

class StepClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return now_ns; }
  int64_t NowMonotonicNs() const override { return now_ns; }
  int64_t now_ns = 1000;
};

TEST(PacerTest, WaitsUntilTheBytesWereDue) {
  StepClock clock;
  Pacer pacer(clock, 1000, [&](int64_t nanoseconds) { clock.now_ns += nanoseconds; });
  const Progress progress;
  pacer.Spend(500, progress);
  EXPECT_EQ(clock.now_ns, 1000 + 500'000'000);
  clock.now_ns += 10'000'000'000;  // it was slow by itself: nothing to wait for
  const int64_t before = clock.now_ns;
  pacer.Spend(1000, progress);
  EXPECT_EQ(clock.now_ns, before);
}

TEST(PacerTest, StopsWaitingWhenTheUserWishesSo) {
  StepClock clock;
  Progress progress;
  int slept = 0;
  Pacer pacer(clock, 1, [&](int64_t) { progress.cancelled = ++slept == 3; });
  pacer.Spend(1000000, progress);
  EXPECT_EQ(slept, 3);
}

}  // namespace
}  // namespace varve
