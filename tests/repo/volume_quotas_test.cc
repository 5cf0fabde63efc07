// The quotas as they lie in a repository: changed durably, read as long as one file is whole.
#include "repo/volume_quotas.h"

#include <gtest/gtest.h>

#include "sim/expect_status.h"
#include "sim/simulated_machine.h"

namespace varve {
namespace {

const std::vector<VolumeQuota> kOld = {{"a", 1000, 10, 1}, {"b", 2000, 20, 1}};
const std::vector<VolumeQuota> kNew = {{"b", 3000, 30, 2}};

Status Write(SimulatedMachine& machine, const std::vector<VolumeQuota>& quotas) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kWrite));
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository->LockCommit());
  return WriteQuotas(repository->storage(), repository->config().id, repository->random(), 1,
                     quotas);
}

Result<std::vector<VolumeQuota>> Read(SimulatedMachine& machine, OpenMode mode = OpenMode::kRead) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(mode));
  return ReadQuotas(repository->storage(), repository->config().id);
}

std::vector<std::string> QuotaFiles(const SimulatedMachine& machine) {
  std::vector<std::string> paths;
  for (const std::string& path : machine.disk().AllFiles()) {
    if (path.starts_with("quotas/")) paths.push_back(path);
  }
  return paths;
}

TEST(VolumeQuotas, ThereAreNoneAtFirstAndTheLatestCount) {
  SimulatedMachine machine;
  ASSERT_TRUE(IsOk(machine.Create()));
  auto quotas = Read(machine);
  ASSERT_TRUE(IsOk(quotas));
  EXPECT_TRUE(quotas->empty());
  for (const auto& written : {kOld, kNew}) {
    ASSERT_TRUE(IsOk(Write(machine, written)));
    quotas = Read(machine);
    ASSERT_TRUE(IsOk(quotas));
    EXPECT_EQ(*quotas, written);
    EXPECT_EQ(QuotaFiles(machine).size(), 2U);
  }
}

TEST(VolumeQuotas, ACrashAnywhereLeavesTheOldOnesOrTheNewOnes) {
  SimulatedMachine before;
  ASSERT_TRUE(IsOk(before.Create()));
  ASSERT_TRUE(IsOk(Write(before, kOld)));
  bool ended = false;
  bool old_seen = false;
  for (uint64_t change = 0; !ended; ++change) {
    for (const CrashMode mode : kCrashModes) {
      SCOPED_TRACE("change " + std::to_string(change) + ", " + CrashModeName(mode));
      SimulatedMachine frozen(2, before.disk().Clone(), before.local().Clone());
      frozen.disk().FreezeAfter(change);
      static_cast<void>(Write(frozen, kNew));
      ended = !frozen.disk().frozen();
      SimulatedMachine after(3, frozen.disk().Crash(change, mode), frozen.local().Clone());
      const auto quotas = Read(after);
      ASSERT_TRUE(IsOk(quotas));
      EXPECT_TRUE(*quotas == kOld || *quotas == kNew);
      old_seen = old_seen || *quotas == kOld;
      // Whoever writes next ends it: two files, and nothing to find.
      const auto finished = Read(after, OpenMode::kWrite);
      ASSERT_TRUE(IsOk(finished));
      EXPECT_EQ(*finished, *quotas);
      EXPECT_EQ(QuotaFiles(after).size(), 2U);
      const auto check = after.Check();
      ASSERT_TRUE(IsOk(check));
      EXPECT_TRUE(check->clean()) << Describe(*check);
      ASSERT_TRUE(IsOk(Write(after, kNew)));
      EXPECT_EQ(*Read(after), kNew);
    }
  }
  EXPECT_TRUE(old_seen);
}

TEST(VolumeQuotas, OneWholeFileIsEnoughAndWithoutAnyNothingIsTaken) {
  SimulatedMachine machine;
  ASSERT_TRUE(IsOk(machine.Create()));
  ASSERT_TRUE(IsOk(Write(machine, kOld)));
  const std::vector<std::string> files = QuotaFiles(machine);
  for (const std::string& path : files) {
    machine.disk().FlipBit(path, 8 * 90);
    const auto quotas = Read(machine);
    ASSERT_TRUE(IsOk(quotas));
    EXPECT_EQ(*quotas, kOld);
    const auto check = machine.Check();
    ASSERT_TRUE(IsOk(check));
    ASSERT_EQ(check->findings.size(), 1U) << Describe(*check);
    EXPECT_EQ(check->findings[0].object, path);
    machine.disk().FlipBit(path, 8 * 90);
  }
  for (const std::string& path : files)
    machine.disk().FlipBit(path, 8 * 90);
  EXPECT_TRUE(HasCode(Read(machine), Code::kCorruption));
  EXPECT_TRUE(HasCode(machine.Take(Bytes(10'000, 1)), Code::kCorruption));
}

TEST(VolumeQuotas, AnyFailingOperationOfAChangeLeavesTheOldOnesOrTheNewOnes) {
  SimulatedMachine before;
  ASSERT_TRUE(IsOk(before.Create()));
  ASSERT_TRUE(IsOk(Write(before, kOld)));
  for (uint64_t nth = 1;; ++nth) {
    SimulatedMachine machine(2, before.disk().Clone(), before.local().Clone());
    const uint64_t operations = machine.disk().operation_count();
    machine.disk().InjectFault({.nth = nth, .error_number = nth % 2 == 0 ? EIO : ENOSPC});
    const Status written = Write(machine, kNew);
    const bool hit = machine.disk().operation_count() - operations >= nth;
    machine.disk().ClearFaults();
    const auto quotas = Read(machine);
    ASSERT_TRUE(IsOk(quotas)) << nth;
    EXPECT_TRUE(*quotas == kNew || (*quotas == kOld && !written.ok())) << nth;
    if (!hit) break;
  }
}

}  // namespace
}  // namespace varve
