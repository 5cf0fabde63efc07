// Copies that crash at any change, or meet a failing operation.
#include <gtest/gtest.h>

#include "heal/repair_rig.h"

namespace varve {
namespace {

std::vector<SnapshotRecord> Listed(SimulatedMachine& machine) {
  auto records = machine.List();
  EXPECT_TRUE(IsOk(records));
  return records.ok() ? *std::move(records) : std::vector<SnapshotRecord>();
}

class CopyCrashTest : public testing::TestWithParam<TwinKeys> {
 protected:
  // An empty target.
  std::unique_ptr<SimulatedMachine> NewTarget(RepairRig& rig) {
    auto target = std::make_unique<SimulatedMachine>(8);
    const RepositoryConfig config = MustOpen(rig.machine(), OpenMode::kRead)->config();
    RepositoryOptions options(kTestChunkBytes);
    if (GetParam() == TwinKeys::kShared) options.like = &config;
    EXPECT_TRUE(IsOk(target->Create(options)));
    return target;
  }
};

TEST_P(CopyCrashTest, ACrashAnywhereLeavesWholeSnapshotsAndTheNextCopyGoesOn) {
  RepairRig rig(GetParam());
  const auto empty = NewTarget(rig);
  bool ended = false;
  for (uint64_t change = 0; !ended; ++change) {
    const CrashMode mode = kCrashModes[change % kCrashModes.size()];
    SCOPED_TRACE("change " + std::to_string(change) + ", " + CrashModeName(mode));
    SimulatedMachine frozen(9, empty->disk().Clone(), empty->local().Clone());
    frozen.disk().FreezeAfter(change);
    const Status copied = CopyAll(rig.machine(), frozen);
    ended = !frozen.disk().frozen();
    SimulatedMachine target(10, frozen.disk().Crash(change, mode), frozen.local().Clone());
    for (const SnapshotRecord& record : Listed(target)) {
      ASSERT_EQ(*target.ReadBack(record.id), rig.committed().at(record.id));
    }
    ASSERT_TRUE(IsOk(CopyAll(rig.machine(), target)));
    ASSERT_EQ(FindUnsound(target, rig.committed(), rig.latest().Content()), "");
  }
}

TEST_P(CopyCrashTest, AnyFailingOperationOfTheTargetLeavesWholeSnapshots) {
  RepairRig rig(GetParam());
  const auto empty = NewTarget(rig);
  const auto counts = [](const Operation& operation) {
    return operation.kind != OperationKind::kList && operation.kind != OperationKind::kSize;
  };
  for (uint64_t nth = 1;; nth += nth < 40 ? 1 : 5) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    SimulatedMachine target(9, empty->disk().Clone(), empty->local().Clone());
    uint64_t seen = 0;
    Fault fault;
    fault.nth = nth;
    fault.error_number = nth % 2 == 0 ? EIO : ENOSPC;
    fault.matches = [&](const Operation& operation) { return counts(operation) && ++seen > 0; };
    target.disk().InjectFault(fault);
    const Status copied = CopyAll(rig.machine(), target);
    target.disk().ClearFaults();
    ASSERT_TRUE(IsOk(CopyAll(rig.machine(), target)));
    ASSERT_EQ(FindUnsound(target, rig.committed(), rig.latest().Content()), "");
    if (seen < nth) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, CopyCrashTest, testing::Values(TwinKeys::kShared, TwinKeys::kOwn));

}  // namespace
}  // namespace varve
