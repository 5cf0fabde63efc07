// What earlier snapshots stored may be lost or damaged. The volume is still there: the next
// snapshot must succeed, say aloud what it met, and read back; and what was unchanged and lost must
// be stored again, not adopted by name.
#include <gtest/gtest.h>

#include "sim/expect_status.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 16 * 64 * kTestChunkBytes + 12345;  // several leaves and packs

class DamagedParentTest : public testing::Test {
 protected:
  DamagedParentTest() { EXPECT_TRUE(IsOk(machine_.Create())); }

  SnapshotRecord Take(const Bytes& content) {
    const auto report = machine_.Take(content);
    EXPECT_TRUE(IsOk(report));
    return report.ok() ? report->record : SnapshotRecord{};
  }
  void ExpectReadsBack(const SnapshotRecord& record, const Bytes& content) {
    const auto bytes = machine_.ReadBack(record.id);
    ASSERT_TRUE(IsOk(bytes));
    EXPECT_TRUE(*bytes == content);
  }
  // The next snapshot of `content` heals, and the one after it has nothing more to heal.
  void ExpectHeals(const Bytes& content) {
    const SnapshotRecord healed = Take(content);
    ExpectReadsBack(healed, content);
    EXPECT_TRUE(healed.fallback_reason) << "it was not told";
    EXPECT_NE(machine_.notices().find("damage in the repository"), std::string::npos)
        << machine_.notices();
    machine_.ForgetNotices();
    const SnapshotRecord after = Take(content);
    EXPECT_FALSE(after.fallback_reason) << *after.fallback_reason;
    EXPECT_EQ(after.statistics.chunks_new, 0U);
    ExpectReadsBack(after, content);
  }

  SimulatedMachine machine_;
  const Bytes content_ = VolumeBytes(1, kVolumeBytes);
};

TEST_F(DamagedParentTest, LostChunkPackIsStoredAgain) {
  Take(content_);
  const auto packs = machine_.Packs(PackContent::kChunks);
  ASSERT_GE(packs.size(), 2U);
  for (const std::string& pack : packs) {
    SCOPED_TRACE(pack);
    machine_.disk().Erase(pack);
    ExpectHeals(content_);
  }
}

TEST_F(DamagedParentTest, LostPackOfBasesTakesTheDeltasThatStandOnItAlong) {
  Take(content_);
  const auto bases = machine_.Packs(PackContent::kChunks);
  const Bytes edited = Edited(2, content_, 40);
  const SnapshotRecord second = Take(edited);
  ASSERT_GT(second.statistics.chunks_delta, 5U);
  for (const std::string& pack : bases)
    machine_.disk().Erase(pack);
  ExpectHeals(edited);
}

TEST_F(DamagedParentTest, LostNodePackIsAsIfThereWereNoParent) {
  Take(content_);
  for (const std::string& pack : machine_.Packs(PackContent::kNodes))
    machine_.disk().Erase(pack);
  const SnapshotRecord next = Take(Edited(3, content_, 3));
  ExpectReadsBack(next, Edited(3, content_, 3));
  EXPECT_TRUE(next.fallback_reason);
  // The chunks are there: they are found by their ids.
  EXPECT_LE(next.statistics.chunks_new, 3U);
}

TEST_F(DamagedParentTest, EachLostNodePackOfManyIsHealed) {
  Take(content_);
  Take(Edited(4, content_, 2));
  const Bytes content = Edited(5, content_, 4);
  Take(content);
  const auto packs = machine_.Packs(PackContent::kNodes);
  ASSERT_GE(packs.size(), 2U);
  for (const std::string& pack : packs) {
    SCOPED_TRACE(pack);
    machine_.disk().Erase(pack);
    machine_.ForgetNotices();
    const SnapshotRecord next = Take(content);
    ExpectReadsBack(next, content);
  }
}

TEST_F(DamagedParentTest, DamagedNodeIsAsIfThereWereNoParentBelowIt) {
  Take(content_);
  for (const std::string& path : machine_.Packs(PackContent::kNodes)) {
    const size_t size = machine_.disk().Content(path).size();
    for (size_t at = kPackHeaderBytes + 70; at < size - kPackTrailerBytes; at += 997) {
      SimulatedMachine hurt(7, machine_.disk().Clone(), machine_.local().Clone());
      hurt.disk().FlipBit(path, at * 8);
      const Bytes content = Edited(at, content_, 3);
      const auto report = hurt.Take(content);
      ASSERT_TRUE(IsOk(report)) << "byte " << at;
      const auto bytes = hurt.ReadBack(report->record.id);
      ASSERT_TRUE(IsOk(bytes)) << "byte " << at;
      EXPECT_TRUE(*bytes == content);
    }
  }
}

TEST_F(DamagedParentTest, DamageThatASnapshotMeetsIsHealedByThatVerySnapshot) {
  Take(content_);
  // Every chunk frame is damaged: whatever base a delta wants, it meets damage.
  for (const std::string& path : machine_.Packs(PackContent::kChunks)) {
    Bytes pack = machine_.disk().Content(path);
    PackId id;
    ASSERT_TRUE(PackId::Parse(path.substr(path.rfind('/') + 1), &id));
    const auto repository = machine_.Open(OpenMode::kRead);
    ASSERT_TRUE(IsOk(repository));
    Storage storage(machine_.disk());
    const auto frames = ReadPackFrames(storage, id, (*repository)->config().id);
    ASSERT_TRUE(IsOk(frames));
    for (const PlacedFrame& frame : *frames)
      pack[frame.offset + frame.info.HeaderBytes()] ^= 1;
    machine_.disk().SetContent(path, pack);
  }
  // One byte of each chunk that the volume has changes, so that every base is wanted once.
  Bytes changed = content_;
  for (size_t at = 0; at < changed.size(); at += kTestChunkBytes)
    changed[at] ^= 0x55;
  const auto report = machine_.Take(changed);
  ASSERT_TRUE(IsOk(report));
  EXPECT_GT(report->bases_unreadable, 0U);
  ExpectReadsBack(report->record, changed);
  // And back to what it was: these chunks are known to be damaged, so they are stored again.
  const SnapshotRecord back = Take(content_);
  ExpectReadsBack(back, content_);
}

TEST_F(DamagedParentTest, UnchangedVolumeCostsNoLookupWhenItsParentIsProved) {
  Take(content_);
  const auto report = machine_.Take(content_);
  ASSERT_TRUE(IsOk(report));
  EXPECT_EQ(report->frames_lost, 0U);
  const auto repository = machine_.Open(OpenMode::kWrite);
  ASSERT_TRUE(IsOk(repository));
  const auto index = (*repository)->index();
  ASSERT_TRUE(IsOk(index));
  EXPECT_TRUE(*(*index)->IsProved(report->record.id));
  EXPECT_EQ(report->record.statistics.chunks_new, 0U);
  EXPECT_LE(report->record.statistics.bytes_stored, 1024U);
}

TEST_F(DamagedParentTest, ParentWithoutAProofIsProvedByTheNextSnapshot) {
  Take(content_);
  machine_.local().LoseIndex();
  const auto report = machine_.Take(content_);
  ASSERT_TRUE(IsOk(report));
  EXPECT_EQ(report->frames_lost, 0U);
  EXPECT_FALSE(report->record.fallback_reason);
  EXPECT_EQ(report->record.statistics.chunks_new, 0U);
}

TEST_F(DamagedParentTest, DamagedParentRecordLeavesTheSnapshotBeforeAsParent) {
  const SnapshotRecord first = Take(content_);
  const SnapshotRecord second = Take(Edited(6, content_, 5));
  machine_.disk().FlipBit(SnapshotPath(second.id), 100 * 8);
  const SnapshotRecord third = Take(Edited(7, content_, 5));
  ASSERT_TRUE(third.parent);
  EXPECT_EQ(*third.parent, first.id);
  EXPECT_GT(third.sequence, second.sequence) << "a sequence is never given twice";
  ExpectReadsBack(third, Edited(7, content_, 5));
}

}  // namespace
}  // namespace varve
