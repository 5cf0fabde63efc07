// The gate of change sources: what it believes, what it refuses, and that a snapshot through it is
// the same snapshot as one by scan.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "api/engine.h"
#include "io/file_descriptor.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"
#include "snapshot/candidate_chunks.h"

namespace varve {
namespace {

constexpr uint32_t kChunk = 4096;

class ChangeGateTest : public testing::Test {
 protected:
  ChangeGateTest() { EXPECT_TRUE(IsOk(Engine::Init(directory_.File("repo"), kChunk))); }

  void MakeVolume(uint64_t size_bytes) {
    size_ = size_bytes;
    volume_ = FileDescriptor(open(path().c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    ASSERT_EQ(ftruncate(volume_.get(), static_cast<off_t>(size_bytes)), 0);
  }

  // Writes like a disk, and remembers where.
  void Write(uint64_t offset, ByteSpan bytes) {
    ASSERT_EQ(pwrite(volume_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
    changed_.Add(offset, offset + bytes.size());
  }
  void Punch(uint64_t offset, uint64_t length) {
    ASSERT_EQ(fallocate(volume_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(offset), static_cast<off_t>(length)),
              0);
    changed_.Add(offset, offset + length);
  }

  std::string path() const { return directory_.File("volume.img"); }

  // A claim of everything that was written since the last snapshot.
  ChangeClaim Claim() const {
    ChangeClaim claim;
    claim.source = "map file";
    claim.parent = last_;
    claim.volume_name = "volume";
    claim.size_bytes = size_;
    claim.may_have_changed = changed_;
    return claim;
  }

  SnapshotReport Snapshot(std::optional<ChangeClaim> claim, bool force_pread = false) {
    SnapshotOptions options;
    options.volume_name = "volume";
    options.changes = std::move(claim);
    options.force_pread = force_pread;
    Progress progress;
    auto engine = Engine::Open(directory_.File("repo"), OpenMode::kWrite, "test",
                               [this](const std::string& text) { notices_ += text + "\n"; });
    EXPECT_TRUE(IsOk(engine));
    auto report = (*engine)->Snapshot(path(), options, progress);
    EXPECT_TRUE(IsOk(report));
    if (!report.ok()) return {};
    last_ = report->record.id;
    changed_ = {};
    return *std::move(report);
  }

  TemporaryDirectory directory_;
  FileDescriptor volume_;
  uint64_t size_ = 0;
  ExtentSet changed_;
  SnapshotId last_;
  std::string notices_;
};

TEST_F(ChangeGateTest, SnapshotThroughTheGateEqualsTheScan) {
  MakeVolume(9 * kMiB + 12345);
  Write(0, RandomBytes(1, 5 * kMiB));
  Snapshot({});
  std::mt19937_64 random(2);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 8; ++i) {
      const uint64_t offset = random() % size_;
      const uint64_t length = std::min<uint64_t>(1 + random() % 20'000, size_ - offset);
      if (random() % 4 == 0) {
        Punch(offset, length);
      } else {
        Write(offset, RandomBytes(random(), length));
      }
    }
    const ExtentSet changed = changed_;
    const SnapshotReport through = Snapshot(Claim(), round % 2 == 0);
    EXPECT_EQ(through.record.change_source, "map file") << notices_;
    EXPECT_FALSE(through.record.fallback_reason.has_value());
    const uint64_t candidates = changed.RoundedOut(kChunk).Count();
    EXPECT_LE(through.record.statistics.bytes_read, (candidates + through.chunks_sampled) * kChunk);
    EXPECT_GT(through.chunks_sampled, 0u);
    const SnapshotReport scan = Snapshot({});
    EXPECT_EQ(scan.record.change_source, "scan");
    ASSERT_EQ(through.record.root.Hex(), scan.record.root.Hex()) << "round " << round;
    EXPECT_EQ(scan.record.statistics.chunks_changed, 0u);
  }
}

// The tree above is taken over in whole subtrees of every height.
TEST_F(ChangeGateTest, TakesOverSubtreesOfATallTree) {
  MakeVolume(9 * kGiB + 777);
  std::mt19937_64 random(3);
  for (int i = 0; i < 60; ++i)
    Write(random() % (size_ - 9000), RandomBytes(i, 9000));
  Snapshot({});
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < round; ++i)
      Write(random() % (size_ - 100), RandomBytes(random(), 100));
    if (round == 3) Write(size_ - 777, RandomBytes(4, 777));
    const SnapshotReport through = Snapshot(Claim());
    ASSERT_EQ(through.record.change_source, "map file") << notices_;
    const SnapshotReport scan = Snapshot({});
    ASSERT_EQ(through.record.root.Hex(), scan.record.root.Hex()) << "round " << round;
  }
}

TEST_F(ChangeGateTest, NothingChangedReadsOnlyTheSample) {
  MakeVolume(uint64_t{1} << 40);
  Write(0, RandomBytes(1, 20'000));
  Write(size_ - 5000, RandomBytes(2, 5000));
  Snapshot({});
  const SnapshotReport report = Snapshot(Claim());
  EXPECT_EQ(report.record.change_source, "map file");
  EXPECT_EQ(report.chunks_sampled, kUnchangedSampleMax);
  EXPECT_LE(report.record.statistics.bytes_read, 7 * kChunk);
  EXPECT_EQ(report.record.statistics.chunks_changed, 0u);
  EXPECT_LT(report.record.statistics.bytes_stored, 2000u);
}

// With 16 chunks or fewer outside of the claim all of them are sampled.
TEST_F(ChangeGateTest, OneWrongChunkInTheSampleMeansAScan) {
  for (const bool punch : {false, true}) {
    MakeVolume(20 * kChunk);
    Write(0, RandomBytes(1, size_));
    Snapshot({});
    Write(0, RandomBytes(2, 5 * kChunk));
    ChangeClaim claim = Claim();
    if (punch) {
      Punch(11 * kChunk, kChunk);
    } else {
      Write(11 * kChunk + 5, RandomBytes(3, 1));
    }
    const SnapshotReport report = Snapshot(claim);
    EXPECT_EQ(report.record.change_source, "scan");
    ASSERT_TRUE(report.record.fallback_reason.has_value());
    EXPECT_NE(report.record.fallback_reason->find("called chunks unchanged"), std::string::npos);
    EXPECT_NE(notices_.find("the whole volume is scanned"), std::string::npos) << notices_;
    EXPECT_EQ(report.record.statistics.chunks_changed, 6u);
    EXPECT_EQ(Snapshot({}).record.root.Hex(), report.record.root.Hex());
  }
}

TEST_F(ChangeGateTest, WhatVarveTrackedItselfIsNotSampled) {
  MakeVolume(20 * kChunk);
  Write(0, RandomBytes(1, size_));
  Snapshot({});
  Write(7 * kChunk, RandomBytes(2, 10));
  ChangeClaim claim = Claim();
  claim.own = true;
  const SnapshotReport report = Snapshot(claim);
  EXPECT_EQ(report.chunks_sampled, 0u);
  EXPECT_EQ(report.record.statistics.bytes_read, kChunk);
}

TEST_F(ChangeGateTest, RefusesWhatIsBoundToSomethingElse) {
  MakeVolume(20 * kChunk);
  Write(0, RandomBytes(1, size_));
  const auto refused = [&](ChangeClaim claim, const std::string& why) {
    const SnapshotReport report = Snapshot(std::move(claim));
    EXPECT_EQ(report.record.change_source, "scan");
    ASSERT_TRUE(report.record.fallback_reason.has_value()) << why;
    EXPECT_NE(report.record.fallback_reason->find(why), std::string::npos)
        << *report.record.fallback_reason;
    EXPECT_NE(notices_.find(why), std::string::npos) << notices_;
  };
  refused(Claim(), "no snapshot");
  const SnapshotId first = last_;
  Snapshot({});
  ChangeClaim claim = Claim();
  claim.parent = first;
  refused(claim, "since snapshot " + first.Hex());
  claim = Claim();
  claim.volume_name = "other";
  refused(claim, "volume 'other'");
  claim = Claim();
  claim.size_bytes += 1;
  refused(claim, std::to_string(20 * kChunk + 1) + " bytes");
  MakeVolume(21 * kChunk);
  refused(Claim(), "in the parent");
  EXPECT_EQ(Snapshot(Claim()).record.change_source, "map file");
}

TEST(CandidateChunksTest, SamplesOnlyWhatIsOutsideOfTheClaim) {
  ChangeClaim claim;
  claim.may_have_changed.Add(5 * kChunk + 1, 900 * kChunk);
  claim.may_have_changed.Add(1000 * kChunk, 2000 * kChunk - 1);
  const TreeGeometry geometry(40'000 * uint64_t{kChunk} - 7, kChunk);
  for (int round = 0; round < 20; ++round) {
    const CandidateChunks candidates = PlanCandidates(claim, geometry, Random::System());
    EXPECT_EQ(candidates.sampled.size(), (40'000u - 895 - 1000) / 1000);
    for (size_t i = 0; i < candidates.sampled.size(); ++i) {
      EXPECT_FALSE(candidates.changed.Contains(candidates.sampled[i]));
      EXPECT_LT(candidates.sampled[i], geometry.ChunkCount());
      EXPECT_TRUE(i == 0 || candidates.sampled[i - 1] < candidates.sampled[i]);
    }
  }
  claim.may_have_changed.Add(0, 39'990 * uint64_t{kChunk});
  EXPECT_EQ(PlanCandidates(claim, geometry, Random::System()).sampled.size(), 10u);
  claim.may_have_changed.Add(0, 40'000 * uint64_t{kChunk} - 7);
  EXPECT_TRUE(PlanCandidates(claim, geometry, Random::System()).sampled.empty());
}

}  // namespace
}  // namespace varve
