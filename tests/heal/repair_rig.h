// Two repositories with the same snapshots of one volume, the second one made by copying, and what
// tests do to the first.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "heal/repairer.h"
#include "heal/scrubber.h"
#include "heal/snapshot_copier.h"
#include "repo/repository.h"
#include "repo/volume_quotas.h"
#include "sim/expect_status.h"
#include "sim/seeded_random.h"
#include "sim/simulated_disk.h"
#include "sim/simulated_local_state.h"
#include "sim/simulated_machine.h"
#include "sim/simulated_volume.h"
#include "sim/volume_bytes.h"

namespace varve {

enum class TwinKeys { kShared, kOwn };

// Opens repositories on machines, as a process of its own each time.
inline std::unique_ptr<Repository> MustOpen(SimulatedMachine& machine, OpenMode mode) {
  auto repository = machine.Open(mode);
  EXPECT_TRUE(IsOk(repository));
  return repository.ok() ? *std::move(repository) : nullptr;
}

inline Status CopyAll(SimulatedMachine& from, SimulatedMachine& to,
                      std::vector<CopyReport>* reports = nullptr) {
  VARVE_ASSIGN_OR_RETURN(const auto source, from.Open(OpenMode::kRead));
  VARVE_ASSIGN_OR_RETURN(const auto target, to.Open(OpenMode::kWrite));
  VARVE_ASSIGN_OR_RETURN(const auto records, source->Snapshots());
  for (const SnapshotRecord& record : records) {
    Progress progress;
    VARVE_ASSIGN_OR_RETURN(CopyReport report, CopySnapshot(*source, record, *target, progress));
    if (reports != nullptr) reports->push_back(std::move(report));
  }
  return {};
}

inline Result<ScrubReport> Scrub(SimulatedMachine& machine, const ScrubOptions& options = {}) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kRead));
  Progress progress;
  return ScrubRepository(*repository, options, progress);
}

// `twin` and `live` may be null.
inline Result<RepairReport> Repair(SimulatedMachine& machine, SimulatedMachine* twin,
                                   const SimulatedBlockDevice* live, RepairOptions options) {
  VARVE_ASSIGN_OR_RETURN(const auto repository,
                         machine.Open(options.execute ? OpenMode::kWrite : OpenMode::kRead));
  std::vector<std::unique_ptr<HealSource>> sources;
  std::unique_ptr<Repository> twin_repository;
  std::unique_ptr<SimulatedVolume> volume;
  if (twin != nullptr) {
    VARVE_ASSIGN_OR_RETURN(twin_repository, twin->Open(OpenMode::kRead));
    VARVE_ASSIGN_OR_RETURN(auto source, NewTwinSource(*twin_repository, repository->config()));
    sources.push_back(std::move(source));
  }
  if (live != nullptr) {
    volume = std::make_unique<SimulatedVolume>(*live);
    VARVE_ASSIGN_OR_RETURN(auto source, NewVolumeSource(*volume, "v"));
    sources.push_back(std::move(source));
  }
  std::vector<HealSource*> borrowed;
  for (const auto& source : sources)
    borrowed.push_back(source.get());
  Progress progress;
  return RepairRepository(*repository, borrowed, options, progress);
}

inline RepairOptions Execute() {
  RepairOptions options;
  options.execute = true;
  return options;
}

inline std::string Describe(const RepairReport& report) {
  std::string text;
  for (const CheckFinding& finding : report.findings)
    text += finding.what + "\n";
  for (const std::string& action : report.actions)
    text += "-> " + action + "\n";
  for (const std::string& object : report.lost_objects)
    text += "lost: " + object + "\n";
  for (const HurtSnapshot& hurt : report.lost) {
    for (const HurtRange& range : hurt.ranges) {
      text += "lost of " + hurt.id.Short() + " [" + std::to_string(range.begin) + ", " +
              std::to_string(range.end) + "): " + range.why + "\n";
    }
  }
  return text;
}

// One that nothing here reaches.
inline Status SetQuota(SimulatedMachine& machine) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kMaintain));
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository->LockCommit());
  return WriteQuotas(repository->storage(), repository->config().id, repository->random(), 0,
                     {{"v", kGiB, 0, 0}});
}

class RepairRig {
 public:
  static constexpr size_t kVolumeBytes = 150 * kTestChunkBytes + 777;

  explicit RepairRig(TwinKeys keys = TwinKeys::kShared) : machine_(1), twin_(2) {
    EXPECT_TRUE(IsOk(machine_.Create()));
    Bytes content = VolumeBytes(7, kVolumeBytes);
    for (uint64_t step = 0; step < 3; ++step) {
      if (step > 0) content = Edited(70 + step, std::move(content), 12);
      const auto report = machine_.Take(content);
      EXPECT_TRUE(IsOk(report));
      committed_[report->record.id] = content;
      records_.push_back(report->record);
    }
    latest_ = std::make_unique<SimulatedBlockDevice>(content);
    if (keys == TwinKeys::kShared) {
      const auto repository = MustOpen(machine_, OpenMode::kRead);
      RepositoryOptions options(kTestChunkBytes);
      options.like = &repository->config();
      EXPECT_TRUE(IsOk(twin_.Create(options)));
    } else {
      EXPECT_TRUE(IsOk(twin_.Create()));
    }
    EXPECT_TRUE(IsOk(CopyAll(machine_, twin_)));
    EXPECT_TRUE(IsOk(SetQuota(machine_)));
    EXPECT_TRUE(IsOk(SetQuota(twin_)));
  }

  SimulatedMachine& machine() { return machine_; }
  SimulatedMachine& twin() { return twin_; }
  const SimulatedBlockDevice& latest() const { return *latest_; }
  const Committed& committed() const { return committed_; }
  const std::vector<SnapshotRecord>& records() const { return records_; }

  // The first repository again, to be damaged.
  std::unique_ptr<SimulatedMachine> Clone(uint64_t seed = 99) {
    return std::make_unique<SimulatedMachine>(seed, machine_.disk().Clone(),
                                              machine_.local().Clone());
  }
  std::unique_ptr<SimulatedMachine> CloneTwin(uint64_t seed = 98) {
    return std::make_unique<SimulatedMachine>(seed, twin_.disk().Clone(), twin_.local().Clone());
  }

 private:
  SimulatedMachine machine_;
  SimulatedMachine twin_;
  Committed committed_;
  std::vector<SnapshotRecord> records_;
  std::unique_ptr<SimulatedBlockDevice> latest_;
};

// Every file with its content.
inline std::map<std::string, Bytes> Tree(const SimulatedDisk& disk) {
  std::map<std::string, Bytes> tree;
  for (const std::string& path : disk.AllFiles())
    tree[path] = disk.Content(path);
  return tree;
}

}  // namespace varve
