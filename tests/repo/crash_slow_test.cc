// The power goes off, or the process is killed, after every single change that a workload makes to
// the disk: {first snapshot, increment, snapshot after damage, rebuild, restore in place} × what a
// disk does to unsynced bytes × what became of the index. After each: every committed snapshot
// reads back byte for byte, check is clean, the next snapshot works and reads back (R1, R4, R6).
//
// VARVE_CRASH_SEEDS: how often each state is tried, with other luck (default 2). VARVE_SEED: the
// first seed.
#include <gtest/gtest.h>

#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 3 * 64 * kTestChunkBytes + 777;
constexpr std::array<IndexFate, 3> kIndexFates = {IndexFate::kKept, IndexFate::kOlder,
                                                  IndexFate::kLost};

std::string FateName(IndexFate fate) {
  return fate == IndexFate::kKept ? "kept" : fate == IndexFate::kOlder ? "older" : "lost";
}

// A machine before the workload, and what is committed on it.
struct Start {
  std::unique_ptr<SimulatedMachine> machine = std::make_unique<SimulatedMachine>(1);
  Committed committed;

  SimulatedMachine Copy(uint64_t seed) const {
    return SimulatedMachine(seed, machine->disk().Clone(), machine->local().Clone());
  }
  void Take(const Bytes& content) {
    const auto report = machine->Take(content);
    ASSERT_TRUE(IsOk(report));
    committed[report->record.id] = content;
  }
};

using Workload = std::function<Status(SimulatedMachine&, Committed*)>;

Workload Snapshot(const Bytes& content) {
  return [content](SimulatedMachine& machine, Committed* committed) -> Status {
    VARVE_ASSIGN_OR_RETURN(const SnapshotReport report, machine.Take(content));
    (*committed)[report.record.id] = content;
    return {};
  };
}

class CrashTest : public testing::Test {
 protected:
  // A machine after the crash of `before`: the disk as the mode leaves it, the index as fate has
  // it.
  static SimulatedMachine After(const SimulatedMachine& frozen, const Start& start, CrashMode mode,
                                IndexFate fate, uint64_t seed) {
    std::unique_ptr<SimulatedLocalState> local =
        fate == IndexFate::kOlder ? start.machine->local().Clone() : frozen.local().Clone();
    if (fate == IndexFate::kLost) local->LoseIndex();
    return SimulatedMachine(seed + 1000, frozen.disk().Crash(seed, mode), std::move(local));
  }

  void ExpectSound(SimulatedMachine& machine, const Committed& committed) {
    ++states_;
    const std::string unsound = FindUnsound(machine, committed, next_);
    if (!unsound.empty()) ADD_FAILURE() << unsound;
  }

  // The process is killed, another one does its work, and only then the power goes off: what the
  // first one left visible and unsynced must not be what the second one's snapshot stands on.
  void ExpectSoundAfterKillThenPowerCut(const SimulatedMachine& frozen, const Start& start,
                                        Committed committed, IndexFate fate, uint64_t seed) {
    std::unique_ptr<SimulatedLocalState> local =
        fate == IndexFate::kOlder ? start.machine->local().Clone() : frozen.local().Clone();
    if (fate == IndexFate::kLost) local->LoseIndex();
    SimulatedMachine second(seed + 500, frozen.disk().Clone(), std::move(local));
    const auto report = second.Take(next_);
    ASSERT_TRUE(IsOk(report));
    committed[report->record.id] = next_;
    SimulatedMachine after(seed + 900, second.disk().Crash(seed, CrashMode::kLoseUnsynced),
                           std::make_unique<SimulatedLocalState>());
    ExpectSound(after, committed);
  }

  void CrashAtEveryChange(const Start& start, const Workload& workload) {
    const uint64_t seeds = SampleSize("VARVE_CRASH_SEEDS", 2, 1);
    for (uint64_t changes = 0;; ++changes) {
      SimulatedMachine machine = start.Copy(7);
      machine.disk().FreezeAfter(changes);
      Committed committed = start.committed;
      const Status done = workload(machine, &committed);
      if (machine.disk().frozen() && committed.size() > start.committed.size()) {
        SCOPED_TRACE("only what follows the commit is cut off");
      }
      EXPECT_TRUE(done.ok() || machine.disk().frozen()) << done.message();
      for (uint64_t seed = FirstSeed(); seed < FirstSeed() + seeds; ++seed) {
        for (const IndexFate fate : kIndexFates) {
          SCOPED_TRACE("crash after change " + std::to_string(changes) + ", index " +
                       FateName(fate) + ", seed " + std::to_string(seed));
          for (const CrashMode mode : kCrashModes) {
            SCOPED_TRACE(CrashModeName(mode));
            SimulatedMachine after = After(machine, start, mode, fate, seed);
            ExpectSound(after, committed);
            if (HasFailure()) return;
          }
          ExpectSoundAfterKillThenPowerCut(machine, start, committed, fate, seed);
          if (HasFailure()) return;
        }
      }
      if (!machine.disk().frozen()) break;
    }
    RecordProperty("states", std::to_string(states_));
    std::printf("%zu crash states\n", states_);
  }

  const Bytes first_ = VolumeBytes(1, kVolumeBytes);
  const Bytes second_ = Edited(2, first_, 30);
  const Bytes next_ = Edited(3, second_, 10);
  size_t states_ = 0;
};

TEST_F(CrashTest, FirstSnapshot) {
  Start start;
  ASSERT_TRUE(IsOk(start.machine->Create()));
  CrashAtEveryChange(start, Snapshot(first_));
}

TEST_F(CrashTest, Increment) {
  Start start;
  ASSERT_TRUE(IsOk(start.machine->Create()));
  start.Take(first_);
  CrashAtEveryChange(start, Snapshot(second_));
}

// Two snapshots in a row, the second one of another volume.
TEST_F(CrashTest, TwoSnapshots) {
  Start start;
  ASSERT_TRUE(IsOk(start.machine->Create()));
  CrashAtEveryChange(start, [&](SimulatedMachine& machine, Committed* committed) -> Status {
    VARVE_RETURN_IF_ERROR(Snapshot(first_)(machine, committed));
    VARVE_ASSIGN_OR_RETURN(const SnapshotReport report,
                           machine.Take(second_, SimulatedMachine::SmallOptions("w")));
    (*committed)[report.record.id] = second_;
    return {};
  });
}

TEST_F(CrashTest, Rebuild) {
  Start start;
  ASSERT_TRUE(IsOk(start.machine->Create()));
  start.Take(first_);
  start.Take(second_);
  CrashAtEveryChange(start, [](SimulatedMachine& machine, Committed*) -> Status {
    VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kWrite));
    return repository->RebuildIndex();
  });
}

// Cut off twice: in the workload, and again in the snapshot that follows.
TEST_F(CrashTest, CrashInTheRecoveryFromACrash) {
  Start start;
  ASSERT_TRUE(IsOk(start.machine->Create()));
  start.Take(first_);
  const uint64_t seeds = SampleSize("VARVE_CRASH_SEEDS", 2, 1);
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 300 * seeds; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedMachine machine = start.Copy(seed);
    Committed committed = start.committed;
    const auto crash = [&](SimulatedMachine& broken) {
      const CrashMode mode = kCrashModes[random() % kCrashModes.size()];
      return After(broken, start, mode, kIndexFates[random() % 3], random());
    };
    machine.disk().FreezeAfter(random() % 45);
    static_cast<void>(Snapshot(second_)(machine, &committed));
    SimulatedMachine once = crash(machine);
    once.disk().FreezeAfter(random() % 45);
    static_cast<void>(Snapshot(next_)(once, &committed));
    SimulatedMachine twice = crash(once);
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectSound(twice, committed);
    if (HasFailure()) return;
  }
  std::printf("%zu crash states\n", states_);
}

TEST_F(CrashTest, Create) {
  for (uint64_t changes = 0;; ++changes) {
    SimulatedMachine machine(1);
    machine.disk().FreezeAfter(changes);
    const Status created = machine.Create();
    // All of Create's directories are alike: after the first ones every 16th change will do.
    if (machine.disk().frozen() && changes > 30 && changes % 16 != 0 && changes < 280) continue;
    for (const CrashMode mode : kCrashModes) {
      SCOPED_TRACE("crash after change " + std::to_string(changes) + ", " + CrashModeName(mode));
      SimulatedMachine after(2, machine.disk().Crash(changes, mode),
                             std::make_unique<SimulatedLocalState>());
      const Status again = after.Create();
      EXPECT_TRUE(again.ok() || again.code() == Code::kAlreadyExists) << again.message();
      if (created.ok()) {
        EXPECT_TRUE(HasCode(again, Code::kAlreadyExists));
      }
      ExpectSound(after, {});
      if (HasFailure()) return;
    }
    if (!machine.disk().frozen()) break;
  }
  std::printf("%zu crash states\n", states_);
}

// The target, not the repository, is cut off; the restore is run again on what the crash left.
TEST_F(CrashTest, RestoreInPlace) {
  SimulatedMachine machine(1);
  ASSERT_TRUE(IsOk(machine.Create()));
  ASSERT_TRUE(IsOk(machine.Take(first_)));
  const auto report = machine.Take(second_);
  ASSERT_TRUE(IsOk(report));
  const SnapshotId id = report->record.id;
  const uint64_t seeds = SampleSize("VARVE_CRASH_SEEDS", 2, 1);
  const Bytes older = Edited(9, second_, 60);
  for (uint64_t changes = 0;; ++changes) {
    SimulatedBlockDevice device(older);
    device.FreezeAfter(changes);
    const auto done = machine.RestoreInPlace(id, device);
    EXPECT_TRUE(done.ok() || device.frozen());
    for (const CrashMode mode : kCrashModes) {
      for (uint64_t seed = FirstSeed(); seed < FirstSeed() + seeds; ++seed) {
        SCOPED_TRACE("crash after change " + std::to_string(changes) + ", " + CrashModeName(mode) +
                     ", seed " + std::to_string(seed));
        ++states_;
        const auto after = device.Crash(seed, mode);
        EXPECT_TRUE(!done.ok() || after->Content() == second_) << "done, and not durable";
        ASSERT_TRUE(IsOk(machine.RestoreInPlace(id, *after)));
        ASSERT_TRUE(after->Crash(seed, CrashMode::kLoseUnsynced)->Content() == second_);
      }
    }
    if (!device.frozen()) break;
  }
  std::printf("%zu crash states\n", states_);
}

}  // namespace
}  // namespace varve
