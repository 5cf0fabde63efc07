// A delete, a collection and another snapshot happen between any two operations of those who read
// meanwhile: check, scrub, verify, and who reads a snapshot. None of them sees damage that is none.
//
// VARVE_BESIDE_STRIDE: every so many operations (default 5; 1: all of them).
#include <gtest/gtest.h>

#include "gc/collecting.h"
#include "heal/scrubber.h"
#include "restore/snapshot_reader.h"
#include "restore/verifier.h"
#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 2 * 64 * kTestChunkBytes + 99;

// "" if it found nothing wrong.
using Reading = std::function<std::string(Repository&, const SnapshotRecord&, const Bytes&)>;

class CollectionBesideTest : public testing::Test {
 protected:
  // Five snapshots, of which three are about to go; the last one stays and is read.
  void SetUp() override {
    ASSERT_TRUE(IsOk(start_.Create()));
    content_ = VolumeBytes(1, kVolumeBytes);
    for (uint64_t i = 0; i < 5; ++i) {
      if (i > 0) content_ = Edited(i, content_, 150);
      const auto report = start_.Take(content_);
      ASSERT_TRUE(IsOk(report));
      if (i < 3) forgotten_.push_back(report->record.id);
      kept_ = report->record;
    }
  }

  // What others do: packs are rewritten, unlinked, and new ones come. As other processes would,
  // they leave the reader's memory alone.
  Status Disturb(SimulatedMachine& machine) {
    VARVE_RETURN_IF_ERROR(Forget(machine, forgotten_));
    VARVE_ASSIGN_OR_RETURN(const GcReport report, Collect(machine));
    unlinked_ += report.packs_unlinked;
    VARVE_RETURN_IF_ERROR(machine.Take(VolumeBytes(7, kVolumeBytes / 2)).status());
    return Collect(machine).status();
  }

  static bool IsCommitting(SimulatedMachine& machine) {
    const auto lock = machine.local().TryLock("commit", LockLife::kLasting);
    return lock.ok() && *lock == nullptr;
  }

  // Beginning with its opening of the repository.
  std::string Read(SimulatedMachine& machine, const Reading& reading) {
    const auto repository = machine.Open(OpenMode::kRead);
    if (!repository.ok()) return repository.status().message();
    const auto pin = (*repository)->BeginSession("test", SessionRole::kReader, {kept_.id});
    if (!pin.ok()) return pin.status().message();
    return reading(**repository, kept_, content_);
  }

  void DisturbAtEveryOperation(const Reading& reading) {
    uint64_t tried = 0;
    const uint64_t stride = SampleSize("VARVE_BESIDE_STRIDE", 5, 29);
    for (uint64_t nth = 0;; nth += stride) {
      SimulatedMachine machine(11, start_.disk().Clone(), start_.local().Clone());
      std::atomic<uint64_t> operations = 0;
      std::atomic<bool> began = false;
      Status disturbed;
      machine.disk().SetObserver([&](const Operation&) {
        if (began.load() || operations.fetch_add(1) < nth) return;
        // Who holds the commit lock does so for a moment, and others wait for its end.
        if (IsCommitting(machine) || began.exchange(true)) return;
        disturbed = Disturb(machine);
      });
      const std::string wrong = Read(machine, reading);
      machine.disk().SetObserver(nullptr);
      ASSERT_TRUE(IsOk(disturbed)) << "at operation " << nth;
      ASSERT_EQ(wrong, "") << "disturbed at operation " << nth;
      if (!began.load()) break;
      ++tried;
    }
    std::printf("disturbed at %llu operations\n", static_cast<unsigned long long>(tried));
    EXPECT_GT(tried, 20U);
    EXPECT_GT(unlinked_, tried) << "packs went away under the reader";
  }

  SimulatedMachine start_{5};
  std::vector<SnapshotId> forgotten_;
  SnapshotRecord kept_;
  Bytes content_;
  std::atomic<uint64_t> unlinked_ = 0;
};

TEST_F(CollectionBesideTest, CheckFindsNoDamage) {
  DisturbAtEveryOperation([](Repository& repository, const SnapshotRecord&, const Bytes&) {
    Progress progress;
    const auto report = CheckRepository(repository, progress);
    if (!report.ok()) return report.status().message();
    return report->clean() ? "" : Describe(*report);
  });
}

TEST_F(CollectionBesideTest, ScrubFindsNoDamage) {
  DisturbAtEveryOperation([](Repository& repository, const SnapshotRecord&, const Bytes&) {
    Progress progress;
    const auto report = ScrubRepository(repository, ScrubOptions{.restart = true}, progress);
    if (!report.ok()) return report.status().message();
    if (!report->findings.empty()) return report->findings[0].what;
    return report->hurt.empty() ? "" : report->hurt[0].ranges[0].why;
  });
}

TEST_F(CollectionBesideTest, VerifyFindsNothingHurt) {
  for (const VerifyLevel level :
       {VerifyLevel::kStructure, VerifyLevel::kStored, VerifyLevel::kFull}) {
    DisturbAtEveryOperation(
        [level](Repository& repository, const SnapshotRecord& record, const Bytes&) {
          Progress progress;
          const auto report = VerifySnapshot(repository, record, level, progress);
          if (!report.ok()) return report.status().message();
          return report->hurt.empty() ? "" : report->hurt[0].why;
        });
  }
}

TEST_F(CollectionBesideTest, ASnapshotReadsAsItWas) {
  DisturbAtEveryOperation(
      [](Repository& repository, const SnapshotRecord& record, const Bytes& content) {
        const auto reader = SnapshotReader::Open(repository, record, kMiB);
        if (!reader.ok()) return reader.status().message();
        Bytes bytes(content.size());
        for (size_t at = 0; at < bytes.size();) {
          const size_t piece = std::min<size_t>(bytes.size() - at, 40000);
          const Status read = (*reader)->ReadAt(at, MutableByteSpan(bytes).subspan(at, piece));
          if (!read.ok()) return read.message();
          at += piece;
        }
        return std::string(bytes == content ? "" : "it is another");
      });
}

}  // namespace
}  // namespace varve
