// What a snapshot stores, what it says, and what it leaves when it fails.
#include <gtest/gtest.h>

#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr uint64_t kLeaf = 64 * uint64_t{kTestChunkBytes};

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() { EXPECT_TRUE(IsOk(machine_.Create())); }

  SnapshotRecord Take(const Bytes& content,
                      const SnapshotOptions& options = SimulatedMachine::SmallOptions()) {
    const auto report = machine_.Take(content, options);
    EXPECT_TRUE(IsOk(report));
    return report.ok() ? report->record : SnapshotRecord{};
  }
  void ExpectReadsBack(const SnapshotRecord& record, const Bytes& content) {
    const auto bytes = machine_.ReadBack(record.id);
    ASSERT_TRUE(IsOk(bytes));
    EXPECT_TRUE(*bytes == content);
  }
  // changed = new + deduplicated + became zero, when nothing else happened.
  static uint64_t BecameZero(const SnapshotRecord& record) {
    const SnapshotStatistics& s = record.statistics;
    return s.chunks_changed - s.chunks_new - s.chunks_deduplicated;
  }

  SimulatedMachine machine_;
};

TEST_F(SnapshotTest, EveryAwkwardSizeGrowsAndShrinksIntoEveryOther) {
  const uint64_t sizes[] = {0,     1,         4095,           4096,      4097, 100, kLeaf - 1,
                            kLeaf, kLeaf + 1, 3 * kLeaf + 77, 2 * kLeaf, 5,    0,   4096};
  const Bytes all = VolumeBytes(1, 4 * kLeaf);
  for (const uint64_t size : sizes) {
    SCOPED_TRACE(std::to_string(size) + " bytes");
    const Bytes content(all.begin(), all.begin() + static_cast<ptrdiff_t>(size));
    const SnapshotRecord record = Take(content);
    EXPECT_EQ(record.size_bytes, size);
    EXPECT_EQ(record.statistics.bytes_total, size);
    EXPECT_EQ(record.root.IsZero(), IsAllZero(content));
    ExpectReadsBack(record, content);
  }
  const auto report = machine_.Check();
  ASSERT_TRUE(IsOk(report));
  EXPECT_TRUE(report->clean()) << Describe(*report);
}

TEST_F(SnapshotTest, HolesAndZerosAreTheSameAndCostNothing) {
  Bytes content(10 * kLeaf);
  const SnapshotRecord empty = Take(content);
  EXPECT_TRUE(empty.root.IsZero());
  EXPECT_EQ(empty.statistics.bytes_read, 0U);
  const Bytes some = VolumeBytes(3, kLeaf / 2);
  std::copy(some.begin(), some.end(), content.begin() + 7 * kLeaf);
  const SimulatedBlockDevice device(content);
  const auto with_holes =
      machine_.TakeFrom(SimulatedVolume(device, SimulatedVolume::Holes::kZeroBlocks),
                        SimulatedMachine::SmallOptions("a"));
  const auto without = machine_.TakeFrom(SimulatedVolume(device, SimulatedVolume::Holes::kNone),
                                         SimulatedMachine::SmallOptions("b"));
  ASSERT_TRUE(IsOk(with_holes));
  ASSERT_TRUE(IsOk(without));
  EXPECT_EQ(with_holes->record.root, without->record.root);
  EXPECT_EQ(without->record.statistics.chunks_new, 0U);
  EXPECT_LE(with_holes->record.statistics.bytes_read, kLeaf / 2);
  ExpectReadsBack(with_holes->record, content);
}

TEST_F(SnapshotTest, WhatBecomesAHoleIsCountedAsChanged) {
  Bytes content = RandomBytes(1, 4 * kLeaf);
  Take(content);
  std::fill(content.begin() + kLeaf, content.begin() + 3 * kLeaf, uint8_t{0});  // two leaves
  std::fill(content.begin(), content.begin() + kTestChunkBytes, uint8_t{0});    // and a chunk
  const SnapshotRecord record = Take(content);
  EXPECT_EQ(record.statistics.chunks_changed, 2 * 64U + 1);
  EXPECT_EQ(BecameZero(record), 2 * 64U + 1);
  ExpectReadsBack(record, content);
}

TEST_F(SnapshotTest, UnchangedVolumeStoresARecordAndNothingElse) {
  const Bytes content = VolumeBytes(1, 3 * kLeaf + 5);
  const SnapshotRecord first = Take(content);
  const SnapshotRecord second = Take(content);
  EXPECT_EQ(second.root, first.root);
  EXPECT_EQ(second.statistics.chunks_changed, 0U);
  EXPECT_EQ(second.statistics.chunks_new, 0U);
  EXPECT_EQ(second.statistics.bytes_stored,
            machine_.disk().Content(SnapshotPath(second.id)).size());
  EXPECT_EQ(*second.parent, first.id);
  EXPECT_EQ(*second.predecessor, first.id);
  EXPECT_EQ(second.sequence, 2U);
}

TEST_F(SnapshotTest, EqualChunksAreStoredOnceAcrossVolumes) {
  const Bytes content = RandomBytes(1, kLeaf);
  Bytes twice = content;
  AppendBytes(twice, content);
  const SnapshotRecord first = Take(twice);
  EXPECT_EQ(first.statistics.chunks_new, 64U);
  EXPECT_EQ(first.statistics.chunks_deduplicated, 64U);
  Bytes shifted(kTestChunkBytes);
  AppendBytes(shifted, content);
  const SnapshotRecord other = Take(shifted, SimulatedMachine::SmallOptions("w"));
  EXPECT_EQ(other.statistics.chunks_new, 0U);
  EXPECT_EQ(other.statistics.chunks_deduplicated, 64U);
  ExpectReadsBack(first, twice);
  ExpectReadsBack(other, shifted);
}

TEST_F(SnapshotTest, DeltasStandOnWholeFramesHoweverLongTheHistory) {
  Bytes content = RandomBytes(1, kLeaf);
  std::vector<std::pair<SnapshotRecord, Bytes>> history;
  history.emplace_back(Take(content), content);
  for (uint64_t step = 1; step < 12; ++step) {
    for (size_t at = step; at < content.size(); at += kTestChunkBytes)
      content[at] ^= 0xFF;
    history.emplace_back(Take(content), content);
    EXPECT_EQ(history.back().first.statistics.chunks_delta, 64U);
    EXPECT_LT(history.back().first.statistics.bytes_stored, kLeaf / 4);
  }
  Storage storage(machine_.disk());
  const auto repository = machine_.Open(OpenMode::kRead);
  ASSERT_TRUE(IsOk(repository));
  std::map<ContentId, Encoding> encodings;
  std::vector<FrameInfo> deltas;
  const auto packs = ListPacks(storage);
  ASSERT_TRUE(IsOk(packs));
  for (const PackListing& pack : *packs) {
    const auto frames = ReadPackFrames(storage, pack.id, (*repository)->config().id);
    ASSERT_TRUE(IsOk(frames));
    for (const PlacedFrame& frame : *frames) {
      encodings[frame.info.id] = frame.info.encoding;
      if (frame.info.encoding == Encoding::kDelta) deltas.push_back(frame.info);
    }
  }
  EXPECT_GE(deltas.size(), 11 * 64U);
  for (const FrameInfo& delta : deltas) {
    ASSERT_EQ(encodings.count(delta.base), 1U);
    EXPECT_NE(encodings[delta.base], Encoding::kDelta) << "a delta on a delta";
  }
  for (const auto& [record, bytes] : history)
    ExpectReadsBack(record, bytes);
}

TEST_F(SnapshotTest, WorkersAndPackSizesDoNotChangeTheTree) {
  const Bytes content = VolumeBytes(5, 9 * kLeaf + 99);
  ContentId root;
  for (const unsigned workers : {1U, 2U, 5U}) {
    SnapshotOptions options = SimulatedMachine::SmallOptions("w" + std::to_string(workers));
    options.workers = workers;
    options.chunk_pack_bytes = workers == 2 ? kDataPackTarget : 1;
    const SnapshotRecord record = Take(content, options);
    if (workers == 1) root = record.root;
    EXPECT_EQ(record.root, root);
    ExpectReadsBack(record, content);
  }
}

TEST_F(SnapshotTest, EveryTenthSnapshotAuditsUnasked) {
  const Bytes content = VolumeBytes(1, kLeaf);
  for (int i = 1; i <= 20; ++i) {
    const auto report = machine_.Take(content);
    ASSERT_TRUE(IsOk(report));
    EXPECT_EQ(report->audited, i % 10 == 0);
    EXPECT_EQ(report->audit_misses, 0U);
  }
}

TEST_F(SnapshotTest, VolumeThatCannotBeReadLeavesNothingVisible) {
  const Bytes content = VolumeBytes(1, 5 * kLeaf);
  SimulatedBlockDevice device(content);
  device.BreakSector(4 * kLeaf / kSectorBytes + 3);
  const auto report = machine_.TakeFrom(SimulatedVolume(device), SimulatedMachine::SmallOptions());
  EXPECT_TRUE(HasCode(report, Code::kIo));
  EXPECT_TRUE(Mentions(report, "offset " + std::to_string(4 * kLeaf + 3 * kSectorBytes)));
  EXPECT_TRUE(machine_.List()->empty());
  EXPECT_EQ(FindUnsound(machine_, {}, content), "");
}

TEST_F(SnapshotTest, InterruptedSnapshotLeavesNothingVisibleAndItsWorkIsUsed) {
  const Bytes content = RandomBytes(1, 12 * kLeaf);
  const SimulatedBlockDevice device(content);
  {
    const auto repository = machine_.Open(OpenMode::kWrite);
    ASSERT_TRUE(IsOk(repository));
    Progress progress;
    // The user interrupts as soon as the first pack is published.
    machine_.disk().SetObserver([&](const Operation& operation) {
      if (operation.kind == OperationKind::kRename && operation.path.starts_with("packs/")) {
        progress.cancelled = true;
      }
    });
    const auto report = TakeSnapshot(**repository, SimulatedVolume(device),
                                     SimulatedMachine::SmallOptions(), progress);
    machine_.disk().SetObserver({});
    // The worker cannot outrun it: there are fewer packs in memory than the volume fills.
    EXPECT_TRUE(HasCode(report, Code::kCancelled));
  }
  EXPECT_TRUE(machine_.List()->empty());
  const SnapshotRecord record = Take(content);
  EXPECT_GT(record.statistics.chunks_deduplicated, 0U);
  ExpectReadsBack(record, content);
}

TEST_F(SnapshotTest, BadOptionsAreRefusedBeforeAnythingIsDone) {
  const uint64_t changes = machine_.disk().change_count();
  const auto refuse = [&](const SnapshotOptions& options) {
    EXPECT_TRUE(HasCode(machine_.Take(Bytes(10), options), Code::kInvalidArgument));
  };
  for (const std::string name : {"", "a@b", "a/b", "a\nb"}) {
    refuse(SimulatedMachine::SmallOptions(name));
  }
  refuse(SimulatedMachine::SmallOptions(std::string(256, 'x')));
  SnapshotOptions options = SimulatedMachine::SmallOptions();
  options.tags = {{"", "value"}};
  refuse(options);
  options.tags = std::vector<std::pair<std::string, std::string>>(65, {"k", "v"});
  refuse(options);
  options.tags.clear();
  options.chunk_pack_bytes = kPackSizeMax + 1;
  refuse(options);
  options.chunk_pack_bytes = 1;
  options.compression_level = 20;
  refuse(options);
  options.compression_level = 0;
  refuse(options);
  EXPECT_EQ(machine_.disk().change_count(), changes);
}

// A volume that says after it was read that it is another one now.
class RestlessVolume : public SimulatedVolume {
 public:
  RestlessVolume(const SimulatedBlockDevice& device, bool resizes)
      : SimulatedVolume(device), resizes_(resizes) {}
  Result<ContentStamp> Stamp() const override {
    ++stamps_;
    return ContentStamp{size_bytes() - (resizes_ && stamps_ > 1 ? 1 : 0), resizes_ ? 0 : stamps_};
  }

 private:
  const bool resizes_;
  mutable int64_t stamps_ = 0;
};

TEST_F(SnapshotTest, VolumeThatIsWrittenMeanwhileMustBeCalledFuzzy) {
  const SimulatedBlockDevice device(VolumeBytes(1, kLeaf));
  SnapshotOptions options = SimulatedMachine::SmallOptions();
  EXPECT_TRUE(
      HasCode(machine_.TakeFrom(RestlessVolume(device, false), options), Code::kInvalidArgument));
  EXPECT_TRUE(machine_.List()->empty());
  options.consistency = Consistency::kFuzzy;
  const auto report = machine_.TakeFrom(RestlessVolume(device, false), options);
  ASSERT_TRUE(IsOk(report));
  EXPECT_EQ(report->record.consistency, Consistency::kFuzzy);
  EXPECT_TRUE(
      HasCode(machine_.TakeFrom(RestlessVolume(device, true), options), Code::kInvalidArgument))
      << "its size changed";
}

}  // namespace
}  // namespace varve
