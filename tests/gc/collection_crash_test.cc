// A delete and a collection are interrupted at every change they make, in every way in which a
// power cut can take what was not synced; and every operation of them fails once, or from then on.
// Whatever was not deleted reads back, and the next collection finishes the work.
#include <gtest/gtest.h>

#include "gc/collecting.h"
#include "sim/expect_status.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 2 * 64 * kTestChunkBytes + 99;

struct History {
  SimulatedMachine machine{7};
  Committed kept;
  std::vector<SnapshotId> forgotten;
  Bytes next;
};

// Five snapshots of two volumes; three of them are about to go.
void Prepare(History* history) {
  ASSERT_TRUE(IsOk(history->machine.Create()));
  Bytes content = VolumeBytes(1, kVolumeBytes);
  for (uint64_t i = 0; i < 5; ++i) {
    const auto report =
        history->machine.Take(content, SimulatedMachine::SmallOptions(i == 2 ? "other" : "v"));
    ASSERT_TRUE(IsOk(report));
    if (i % 2 == 0) {
      history->forgotten.push_back(report->record.id);
    } else {
      history->kept[report->record.id] = content;
    }
    content = Edited(i, content, 120);
  }
  history->next = content;
}

Status ForgetAndCollect(SimulatedMachine& machine, const std::vector<SnapshotId>& forgotten) {
  VARVE_RETURN_IF_ERROR(Forget(machine, forgotten));
  return Collect(machine).status();
}

// Sound as it is, and after what was begun is done again.
std::string FindUnsoundAfter(SimulatedMachine& machine, const History& history) {
  std::string unsound = FindUnsound(machine, history.kept, history.next);
  if (!unsound.empty()) return unsound;
  for (const SnapshotId& id : history.forgotten) {
    const Status again = Forget(machine, {id});
    if (!again.ok() && again.code() != Code::kNotFound) return again.message();
  }
  const Result<GcReport> collected = Collect(machine);
  if (!collected.ok()) return "the next collection: " + collected.status().message();
  unsound = FindUnsound(machine, history.kept, history.next);
  return unsound.empty() ? "" : "after the next collection: " + unsound;
}

TEST(CollectionCrash, AtEveryChangeInEveryWay) {
  History history;
  ASSERT_NO_FATAL_FAILURE(Prepare(&history));
  size_t states = 0;
  for (uint64_t changes = 0;; ++changes) {
    SimulatedMachine machine(11, history.machine.disk().Clone(), history.machine.local().Clone());
    machine.disk().FreezeAfter(changes);
    static_cast<void>(ForgetAndCollect(machine, history.forgotten));
    if (!machine.disk().frozen()) break;
    for (const CrashMode mode : kCrashModes) {
      // One mode at each change, another at the next: all of them at each would take a minute.
      if ((changes + static_cast<uint64_t>(mode)) % kCrashModes.size() != 0) continue;
      SimulatedMachine after(13, machine.disk().Crash(changes, mode), machine.local().Clone());
      if (changes % 2 == 0) after.local().LoseIndex();
      ASSERT_EQ(FindUnsoundAfter(after, history), "")
          << "change " << changes << ", " << CrashModeName(mode);
      ++states;
    }
  }
  std::printf("%zu states\n", states);
  EXPECT_GT(states, 40U);
}

TEST(CollectionCrash, EveryFailingOperationLosesNothing) {
  History history;
  ASSERT_NO_FATAL_FAILURE(Prepare(&history));
  size_t faults = 0;
  for (uint64_t nth = 1;; nth += 31) {
    bool hit = false;
    for (const bool sticky : {false, true}) {
      for (const int error : {EIO, ENOSPC}) {
        SimulatedMachine machine(11, history.machine.disk().Clone(),
                                 history.machine.local().Clone());
        const uint64_t before = machine.disk().operation_count();
        machine.disk().InjectFault({.nth = nth, .sticky = sticky, .error_number = error});
        static_cast<void>(ForgetAndCollect(machine, history.forgotten));
        hit = hit || machine.disk().operation_count() - before >= nth;
        machine.disk().ClearFaults();
        if ((nth / 31 + (sticky ? 1 : 0) + (error == EIO ? 2 : 0)) % 2 != 0) continue;
        ASSERT_EQ(FindUnsoundAfter(machine, history), "")
            << "operation " << nth << (sticky ? " and all later ones" : "") << ", error " << error;
        ++faults;
      }
    }
    if (!hit) break;
  }
  std::printf("%zu faults\n", faults);
  EXPECT_GT(faults, 50U);
}

}  // namespace
}  // namespace varve
