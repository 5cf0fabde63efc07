// The repository as a whole: what Create and Open refuse, who waits for whom, and what it does
// about an index that is missing, old, foreign or ahead, and about packs that cannot be read.
#include "repo/repository.h"

#include <gtest/gtest.h>

#include <set>

#include "base/fingerprint.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 3 * 64 * size_t{kTestChunkBytes} + 100;

class RepositoryTest : public testing::Test {
 protected:
  RepositoryTest() { EXPECT_TRUE(IsOk(machine_.Create())); }

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

  SimulatedMachine machine_;
  const Bytes content_ = VolumeBytes(1, kVolumeBytes);
};

TEST(RepositoryCreateTest, RefusesWhatIsNotEmpty) {
  SimulatedMachine machine;
  machine.disk().SetContent("somebody's file", Bytes(3));
  const Status status = machine.Create();
  EXPECT_TRUE(HasCode(status, Code::kAlreadyExists));
  EXPECT_TRUE(Mentions(status, "somebody's file"));
  machine.disk().Erase("somebody's file");
  EXPECT_TRUE(HasCode(machine.Create(5000), Code::kInvalidArgument));
  EXPECT_TRUE(IsOk(machine.Create()));
  EXPECT_TRUE(HasCode(machine.Create(), Code::kAlreadyExists));
}

TEST_F(RepositoryTest, CreateNeverTakesARepositoryThatLostItsConfiguration) {
  const SnapshotRecord record = Take(content_);
  machine_.disk().Erase(kConfigPath);
  machine_.disk().Erase(kConfigCopyPath);
  EXPECT_TRUE(HasCode(machine_.Create(), Code::kAlreadyExists));
  machine_.disk().Erase(SnapshotPath(record.id));
  EXPECT_TRUE(HasCode(machine_.Create(), Code::kAlreadyExists)) << "its packs are still there";
}

TEST_F(RepositoryTest, OneCopyOfTheConfigurationIsEnough) {
  const SnapshotRecord record = Take(content_);
  for (const char* path : {kConfigPath, kConfigCopyPath}) {
    const Bytes good = machine_.disk().Content(path);
    machine_.disk().FlipBit(path, 1000);
    machine_.ForgetNotices();
    ExpectReadsBack(record, content_);
    EXPECT_NE(machine_.notices().find(path), std::string::npos) << machine_.notices();
    machine_.disk().Erase(path);
    ExpectReadsBack(record, content_);
    EXPECT_FALSE(machine_.Check()->clean());
    machine_.disk().SetContent(path, good);
  }
  machine_.disk().Erase(kConfigPath);
  machine_.disk().Erase(kConfigCopyPath);
  EXPECT_TRUE(HasCode(machine_.Open(OpenMode::kRead), Code::kNotFound));
}

TEST_F(RepositoryTest, OneWriterAtATimeAndReadersAreNeverBlocked) {
  const SnapshotRecord record = Take(content_);
  const auto writer = machine_.Open(OpenMode::kWrite);
  ASSERT_TRUE(IsOk(writer));
  EXPECT_TRUE(HasCode(machine_.Open(OpenMode::kWrite), Code::kBusy));
  EXPECT_TRUE(HasCode(machine_.Take(content_), Code::kBusy));
  ExpectReadsBack(record, content_);
  EXPECT_TRUE(machine_.Check()->clean());
}

TEST_F(RepositoryTest, SequencesGoOnAfterDamageAndNeverRepeat) {
  std::set<uint64_t> given;
  uint64_t largest = 0;
  for (uint64_t i = 0; i < 8; ++i) {
    const SnapshotRecord record = Take(Edited(i, content_, 1));
    EXPECT_TRUE(given.insert(record.sequence).second) << record.sequence;
    EXPECT_GT(record.sequence, largest);
    largest = record.sequence;
    const std::string path = SnapshotPath(record.id);
    if (i % 2 == 0) continue;
    // Wherever the damage is, in the sequence itself or elsewhere.
    machine_.disk().FlipBit(path, (machine_.disk().Content(path).size() * i / 8) * 8 + i);
  }
}

TEST_F(RepositoryTest, IndexThatIsMissingOrBehindIsCompletedBySomeoneWhoReads) {
  const SnapshotRecord first = Take(content_);
  const auto older = machine_.local().Clone();
  const Bytes edited = Edited(1, content_, 20);
  const SnapshotRecord second = Take(edited);
  SimulatedMachine behind(3, machine_.disk().Clone(), older->Clone());
  EXPECT_TRUE(*behind.ReadBack(second.id) == edited);
  EXPECT_TRUE(*behind.ReadBack(first.id) == content_);
  SimulatedMachine without(3, machine_.disk().Clone(), std::make_unique<SimulatedLocalState>());
  EXPECT_TRUE(*without.ReadBack(second.id) == edited);
  EXPECT_NE(without.notices().find("index"), std::string::npos);
}

TEST_F(RepositoryTest, IndexThatKnowsPacksThatAreGoneIsMadeAnew) {
  Take(content_);
  const SnapshotRecord second = Take(Edited(1, RandomBytes(4, kVolumeBytes), 20));
  machine_.disk().Erase(machine_.Packs(PackContent::kChunks)[0]);
  machine_.ForgetNotices();
  const auto repository = machine_.Open(OpenMode::kWrite);
  ASSERT_TRUE(IsOk(repository));
  const auto index = (*repository)->index();
  ASSERT_TRUE(IsOk(index));
  EXPECT_FALSE(*(*index)->IsProved(second.id));
  EXPECT_NE(machine_.notices().find("packs that do not exist"), std::string::npos);
}

// One pack that is damaged beyond use, of a newer format, or on bad sectors must not stop anything
// that does not need it.
TEST_F(RepositoryTest, OneUnreadablePackDoesNotStopTheIndexFromBeingMade) {
  Take(content_);
  const auto pack_before = machine_.Packs(PackContent::kChunks);
  const Bytes other = RandomBytes(5, kVolumeBytes);
  const auto second = machine_.Take(other, SimulatedMachine::SmallOptions("w"));
  ASSERT_TRUE(IsOk(second));
  const std::string path = pack_before[0];
  const Bytes good = machine_.disk().Content(path);
  const auto expect_rest_works = [&](const std::string& what, std::optional<Fault> fault) {
    SCOPED_TRACE(what);
    SimulatedMachine machine(3, machine_.disk().Clone(), std::make_unique<SimulatedLocalState>());
    if (fault) machine.disk().InjectFault(*fault);
    const auto bytes = machine.ReadBack(second->record.id);
    ASSERT_TRUE(IsOk(bytes));
    EXPECT_TRUE(*bytes == other);
    EXPECT_NE(machine.notices().find(path.substr(9)), std::string::npos) << machine.notices();
    const auto next = machine.Take(content_);
    ASSERT_TRUE(IsOk(next));
    const auto next_bytes = machine.ReadBack(next->record.id);
    ASSERT_TRUE(IsOk(next_bytes));
    EXPECT_TRUE(*next_bytes == content_);
  };
  expect_rest_works("bad sectors", Fault{.sticky = true, .matches = [&](const Operation& o) {
                                           return o.kind == OperationKind::kRead && o.path == path;
                                         }});
  Bytes newer = good;
  for (const size_t at : {size_t{0}, good.size() - kPackTrailerBytes}) {
    newer[at + 8] = 2;
    const size_t checked = at == 0 ? 88 : 56;
    StoreLe(newer.data() + at + checked, ComputeChecksum(ByteSpan(newer).subspan(at, checked)));
  }
  machine_.disk().SetContent(path, newer);
  expect_rest_works("a newer format", std::nullopt);
  machine_.disk().SetContent(path, Bytes(good.size()));
  expect_rest_works("all zeros", std::nullopt);
}

TEST_F(RepositoryTest, PackOnBadSectorsIsLookedAtAgainTheNextTime) {
  const SnapshotRecord record = Take(content_);
  const std::string path = machine_.Packs(PackContent::kChunks)[0];
  machine_.local().LoseIndex();
  machine_.disk().InjectFault({.sticky = true, .matches = [&](const Operation& operation) {
                                 return operation.kind == OperationKind::kRead &&
                                        operation.path == path;
                               }});
  {
    const auto repository = machine_.Open(OpenMode::kWrite);
    ASSERT_TRUE(IsOk(repository));
    ASSERT_TRUE(IsOk((*repository)->index()));
  }
  EXPECT_FALSE(machine_.ReadBack(record.id).ok());
  machine_.disk().ClearFaults();
  ExpectReadsBack(record, content_);
}

// Two copies of the same frames, one of them damaged: the index must not choose that one.
TEST_F(RepositoryTest, OfTwoCopiesOfAFrameTheGoodOneIsFound) {
  const SnapshotRecord record = Take(content_);
  const auto alone = machine_.Packs(PackContent::kChunks);
  // A second writer without any index that knows them stores all of it again.
  for (const std::string& pack : alone) {
    SimulatedMachine without(9, machine_.disk().Clone(), std::make_unique<SimulatedLocalState>());
    const Bytes bytes = without.disk().Content(pack);
    without.disk().Erase(pack);
    ASSERT_TRUE(IsOk(without.Take(content_)));
    without.disk().SetContent(pack, bytes);
    const auto all = without.Packs(PackContent::kChunks);
    ASSERT_GT(all.size(), alone.size());
    for (const std::string& hurt : all) {
      SimulatedMachine machine(10, without.disk().Clone(), std::make_unique<SimulatedLocalState>());
      if (std::find(alone.begin(), alone.end(), hurt) != alone.end() && hurt != pack) continue;
      machine.disk().FlipBit(hurt, (kPackHeaderBytes + kFrameHeaderBytes + 3) * 8);
      const auto back = machine.ReadBack(record.id);
      ASSERT_TRUE(IsOk(back)) << hurt;
      EXPECT_TRUE(*back == content_);
    }
  }
}

}  // namespace
}  // namespace varve
