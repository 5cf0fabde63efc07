// Every operation of a workload fails once, or from then on, with EIO, ENOSPC or a short write;
// every sync fails. The workload may fail, with a word; nothing that was committed is hurt, nothing
// half-made is visible, and as soon as the disk works again the next snapshot does.
#include <gtest/gtest.h>

#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 2 * 64 * kTestChunkBytes + 777;

// Listing the 256 directories of packs is 256 times the same.
bool Counts(const Operation& operation) {
  return operation.kind != OperationKind::kList || !operation.path.starts_with("packs/") ||
         operation.path < "packs/02";
}

class FaultTest : public testing::Test {
 protected:
  FaultTest() {
    EXPECT_TRUE(IsOk(start_.Create()));
    const auto report = start_.Take(first_);
    EXPECT_TRUE(IsOk(report));
    if (report.ok()) committed_[report->record.id] = first_;
  }

  // Runs a snapshot of `content` on a copy of `from` with the fault armed. False when it never hit.
  bool RunWithFault(const SimulatedMachine& from, const Bytes& content, Fault fault) {
    SimulatedMachine machine(5, from.disk().Clone(), from.local().Clone());
    bool hit = false;
    const auto matches = fault.matches;
    auto seen = std::make_shared<uint64_t>(0);
    const uint64_t nth = fault.nth;
    fault.matches = [matches, seen, nth, &hit](const Operation& operation) {
      if (!Counts(operation) || (matches && !matches(operation))) return false;
      if (++*seen >= nth) hit = true;
      return true;
    };
    machine.disk().InjectFault(fault);
    const auto report = machine.Take(content);
    machine.disk().ClearFaults();
    Committed committed = committed_;
    if (report.ok()) committed[report->record.id] = content;
    EXPECT_TRUE(report.ok() || !report.status().message().empty());
    // A power cut now shows whether "done" was true, and what a failure left behind.
    for (const CrashMode mode : {CrashMode::kKeepAll, CrashMode::kLoseUnsynced}) {
      SCOPED_TRACE(CrashModeName(mode));
      ++runs_;
      SimulatedMachine after(6, machine.disk().Crash(nth, mode), machine.local().Clone());
      const std::string unsound = FindUnsound(after, committed, next_);
      if (!unsound.empty()) ADD_FAILURE() << unsound;
    }
    return hit;
  }

  void FailEveryOperation(const SimulatedMachine& from, const Bytes& content) {
    for (uint64_t nth = 1;; ++nth) {
      bool hit = false;
      for (const bool sticky : {false, true}) {
        for (const int error_number : {EIO, ENOSPC}) {
          SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? " and all after" : "") +
                       ", errno " + std::to_string(error_number));
          hit = RunWithFault(from, content,
                             {.nth = nth,
                              .sticky = sticky,
                              .error_number = error_number,
                              .short_write = error_number == ENOSPC});
          if (HasFailure()) return;
        }
      }
      if (!hit) break;
    }
    std::printf("%zu runs\n", runs_);
  }

  const Bytes first_ = VolumeBytes(1, kVolumeBytes);
  const Bytes second_ = Edited(2, first_, 20);
  const Bytes next_ = Edited(3, second_, 10);
  SimulatedMachine start_;
  Committed committed_;
  size_t runs_ = 0;
};

TEST_F(FaultTest, EveryOperationOfAnIncrement) {
  FailEveryOperation(start_, second_);
}

TEST_F(FaultTest, EveryOperationOfAFirstSnapshot) {
  committed_.clear();
  SimulatedMachine empty(1);
  ASSERT_TRUE(IsOk(empty.Create()));
  FailEveryOperation(empty, first_);
}

TEST_F(FaultTest, EveryOperationOfASnapshotThatRecoversFromACrashWithoutIndex) {
  SimulatedMachine cut(4, start_.disk().Clone(), start_.local().Clone());
  cut.disk().FreezeAfter(12);
  ASSERT_FALSE(cut.Take(second_).ok());
  SimulatedMachine crashed(4, cut.disk().Crash(1, CrashMode::kTorn),
                           std::make_unique<SimulatedLocalState>());
  FailEveryOperation(crashed, second_);
}

// What a restore or a check reads fails: an error, or the right bytes; and the next one works.
TEST_F(FaultTest, EveryOperationOfARestoreAndOfACheck) {
  const auto& [id, content] = *committed_.begin();
  for (const bool sticky : {false, true}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? " and all after" : ""));
      bool hit = false;
      SimulatedMachine machine(5, start_.disk().Clone(), start_.local().Clone());
      const auto arm = [&] {
        auto seen = std::make_shared<uint64_t>(0);
        machine.disk().ClearFaults();
        machine.disk().InjectFault(
            {.nth = nth, .sticky = sticky, .matches = [&hit, seen, nth](const Operation& o) {
               if (!Counts(o)) return false;
               if (++*seen >= nth) hit = true;
               return true;
             }});
      };
      arm();
      const auto bytes = machine.ReadBack(id);
      EXPECT_TRUE(!bytes.ok() || *bytes == content) << "WRONG BYTES";
      arm();
      const auto check = machine.Check();
      machine.disk().ClearFaults();
      const auto again = machine.ReadBack(id);
      ASSERT_TRUE(IsOk(again));
      EXPECT_TRUE(*again == content);
      EXPECT_TRUE(machine.Check()->clean());
      if (HasFailure()) return;
      if (hit) continue;
      EXPECT_TRUE(check.ok() && check->clean());
      break;
    }
  }
}

TEST_F(FaultTest, EverySync) {
  const auto is_sync = [](const Operation& operation) {
    return operation.kind == OperationKind::kSync ||
           operation.kind == OperationKind::kSyncDirectory;
  };
  for (const bool sticky : {false, true}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("sync " + std::to_string(nth) + (sticky ? " and all after" : ""));
      const bool hit =
          RunWithFault(start_, second_, {.nth = nth, .sticky = sticky, .matches = is_sync});
      if (HasFailure()) return;
      if (!hit) break;
    }
  }
  std::printf("%zu runs\n", runs_);
}

// Each operation of Create fails; Create is tried again at once, and the power goes off after it.
TEST_F(FaultTest, CreateTriedAgainAfterAFailureIsDurable) {
  for (const bool sticky : {false, true}) {
    for (uint64_t nth = 1; nth < 330; nth += nth < 40 || nth > 280 ? 1 : 16) {
      SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? " and all after" : ""));
      SimulatedMachine machine(1);
      machine.disk().InjectFault({.nth = nth, .sticky = sticky});
      static_cast<void>(machine.Create());
      machine.disk().ClearFaults();
      const Status again = machine.Create();
      EXPECT_TRUE(again.ok() || again.code() == Code::kAlreadyExists) << again.message();
      SimulatedMachine after(2, machine.disk().Crash(nth, CrashMode::kLoseUnsynced),
                             std::make_unique<SimulatedLocalState>());
      const std::string unsound = FindUnsound(after, {}, first_);
      EXPECT_EQ(unsound, "");
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace varve
