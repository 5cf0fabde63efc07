// Repairs that crash at any change, or meet a failing operation, and many random damages.
#include <gtest/gtest.h>

#include <random>

#include "heal/damage_spots.h"
#include "heal/repair_rig.h"

namespace varve {
namespace {

RepairRig& Rig(TwinKeys keys) {
  static RepairRig shared(TwinKeys::kShared);
  static RepairRig own(TwinKeys::kOwn);
  return keys == TwinKeys::kShared ? shared : own;
}

// Several objects at once: a chunk, a node, a record, a configuration.
void DamageMuch(SimulatedMachine& machine, RepairRig& rig) {
  std::set<std::string> kinds;
  for (const DamageSpot& spot : FindSpots(rig.machine())) {
    const bool wanted =
        spot.is_stored_bytes || spot.path == "config" || spot.kind == "a snapshot record's payload";
    if (wanted && kinds.insert(spot.kind).second) Damage(machine, spot);
  }
}

// What could be read before must be readable after, whatever happened to the repair.
Committed Readable(SimulatedMachine& machine, const Committed& committed) {
  Committed readable;
  for (const auto& [id, content] : committed) {
    const auto bytes = machine.ReadBack(id);
    if (bytes.ok()) readable[id] = content;
  }
  return readable;
}

TEST(RepairCrashTest, ACrashAnywhereLosesNothingAndTheNextRepairHeals) {
  RepairRig& rig = Rig(TwinKeys::kShared);
  const auto damaged = rig.Clone();
  DamageMuch(*damaged, rig);
  const Committed readable = Readable(*damaged, rig.committed());
  uint64_t states = 0;
  bool ended = false;
  for (uint64_t change = 0; !ended; ++change) {
    SimulatedMachine frozen(5, damaged->disk().Clone(), damaged->local().Clone());
    frozen.disk().FreezeAfter(change);
    const auto report = Repair(frozen, &rig.twin(), nullptr, Execute());
    ended = !frozen.disk().frozen();
    for (const CrashMode mode : kCrashModes) {
      if ((change + static_cast<uint64_t>(mode)) % 3 != 0 && !ended) continue;
      SCOPED_TRACE("change " + std::to_string(change) + ", " + CrashModeName(mode));
      auto local =
          change % 3 == 0 ? std::make_unique<SimulatedLocalState>() : frozen.local().Clone();
      SimulatedMachine machine(6, frozen.disk().Crash(change, mode), std::move(local));
      ++states;
      for (const auto& [id, content] : readable) {
        const auto bytes = machine.ReadBack(id);
        ASSERT_TRUE(IsOk(bytes));
        ASSERT_EQ(*bytes, content);
      }
      const auto again = Repair(machine, &rig.twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(again));
      ASSERT_TRUE(again->healed()) << Describe(*again);
      ASSERT_EQ(FindUnsound(machine, rig.committed(), rig.latest().Content()), "");
    }
  }
  std::printf("%llu crash states of a repair\n", static_cast<unsigned long long>(states));
}

TEST(RepairCrashTest, AnyFailingOperationEndsInAHealedRepository) {
  RepairRig& rig = Rig(TwinKeys::kShared);
  const auto damaged = rig.Clone();
  DamageMuch(*damaged, rig);
  const Committed readable = Readable(*damaged, rig.committed());
  const auto counts = [](const Operation& operation) {
    return operation.kind != OperationKind::kList && operation.kind != OperationKind::kSize;
  };
  for (const bool sticky : {false, true}) {
    for (uint64_t nth = 1;; nth += sticky ? 7 : 2) {
      SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? " and all after it" : ""));
      SimulatedMachine machine(5, damaged->disk().Clone(), damaged->local().Clone());
      uint64_t seen = 0;
      Fault fault;
      fault.nth = nth;
      fault.sticky = sticky;
      fault.error_number = nth % 2 == 0 ? EIO : ENOSPC;
      fault.matches = [&](const Operation& operation) { return counts(operation) && ++seen > 0; };
      machine.disk().InjectFault(fault);
      const auto failed = Repair(machine, &rig.twin(), nullptr, Execute());
      machine.disk().ClearFaults();
      for (const auto& [id, content] : readable) {
        const auto bytes = machine.ReadBack(id);
        ASSERT_TRUE(IsOk(bytes));
        ASSERT_EQ(*bytes, content);
      }
      const auto again = Repair(machine, &rig.twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(again));
      ASSERT_TRUE(again->healed()) << Describe(*again);
      ASSERT_EQ(FindUnsound(machine, rig.committed(), rig.latest().Content()), "");
      if (seen < nth) break;
    }
  }
}

// A random damage of one object.
std::string DamageAtRandom(SimulatedMachine& machine, std::mt19937_64& random) {
  std::vector<std::string> files;
  for (const std::string& path : machine.disk().AllFiles()) {
    const bool ours =
        path.starts_with("packs/") || path.starts_with("snapshots/") || path.starts_with("config");
    if (ours) files.push_back(path);
  }
  const std::string path = files[random() % files.size()];
  const uint64_t size = machine.disk().Content(path).size();
  switch (random() % 6) {
    case 0:
      machine.disk().Truncate(path, random() % size);
      return path + " cut";
    case 1:
      machine.disk().Truncate(path, size + 1 + random() % 5000);
      return path + " extended";
    case 2:
      machine.disk().ZeroSector(path, random() % DivideUp(size, 512));
      return path + " with a sector of zeros";
    case 3:
      // A record that is gone without a trace is no damage that anybody could see.
      if (!path.starts_with("snapshots/")) {
        machine.disk().Erase(path);
        return path + " erased";
      }
      [[fallthrough]];
    default: {
      const uint64_t bit = random() % (8 * size);
      machine.disk().FlipBit(path, bit);
      return path + " bit " + std::to_string(bit);
    }
  }
}

TEST(RepairManyTest, EveryDamageOfOneCopyIsHealedFromATwin) {
  std::mt19937_64 random(20261126);
  for (const TwinKeys keys : {TwinKeys::kShared, TwinKeys::kOwn}) {
    RepairRig& rig = Rig(keys);
    for (int round = 0; round < (keys == TwinKeys::kShared ? 360 : 80); ++round) {
      const auto machine = rig.Clone();
      SCOPED_TRACE(DamageAtRandom(*machine, random) + ", round " + std::to_string(round));
      const auto report = Repair(*machine, &rig.twin(), nullptr, Execute());
      ASSERT_TRUE(IsOk(report));
      ASSERT_TRUE(report->healed()) << Describe(*report);
      ASSERT_EQ(FindUnsound(*machine, rig.committed(), rig.latest().Content()), "");
    }
  }
}

TEST(RepairManyTest, EveryDamageOfTheOnlySnapshotIsHealedFromTheLiveVolume) {
  std::mt19937_64 random(4711);
  RepairRig& rig = Rig(TwinKeys::kShared);
  SimulatedMachine single(3);
  ASSERT_TRUE(IsOk(single.Create()));
  const Bytes content = rig.latest().Content();
  const auto taken = single.Take(content);
  ASSERT_TRUE(IsOk(taken));
  for (int round = 0; round < 80; ++round) {
    SimulatedMachine machine(4, single.disk().Clone(), single.local().Clone());
    const std::string damage = DamageAtRandom(machine, random);
    SCOPED_TRACE(damage + ", round " + std::to_string(round));
    const auto report = Repair(machine, nullptr, &rig.latest(), Execute());
    ASSERT_TRUE(IsOk(report));
    // A record of which more than a byte is gone cannot come from a volume.
    if (damage.starts_with("snapshots/") && !report->lost_objects.empty()) continue;
    ASSERT_TRUE(report->healed()) << Describe(*report);
    ASSERT_EQ(FindUnsound(machine, {{taken->record.id, content}}, content), "");
  }
}

}  // namespace
}  // namespace varve
