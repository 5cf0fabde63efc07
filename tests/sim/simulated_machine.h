// A machine with one repository on a simulated disk, and what one does with it: snapshots of bytes,
// restores to bytes, check. Every call opens the repository as a new process would. Nothing in it
// depends on the real time, on threads' luck or on the kernel's random numbers: equal seeds do
// equal things. Thread-compatible.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "repo/repository.h"
#include "restore/checker.h"
#include "restore/restorer.h"
#include "sim/seeded_random.h"
#include "sim/simulated_disk.h"
#include "sim/simulated_local_state.h"
#include "sim/simulated_volume.h"
#include "snapshot/snapshotter.h"

namespace varve {

inline constexpr uint32_t kTestChunkBytes = kChunkSizeMin;

// What a crash does to the index, which is not on the simulated disk.
enum class IndexFate { kKept, kOlder, kLost };

class SimulatedMachine {
 public:
  explicit SimulatedMachine(uint64_t seed = 1);

  // A machine with this disk and this local state.
  SimulatedMachine(uint64_t seed, std::unique_ptr<SimulatedDisk> disk,
                   std::unique_ptr<SimulatedLocalState> local);

  Status Create(const RepositoryOptions& options = kTestChunkBytes);
  Result<std::unique_ptr<Repository>> Open(OpenMode mode);
  // One worker, a chunk pack of two leaves: a small volume has several packs.
  static SnapshotOptions SmallOptions(const std::string& volume = "v");
  Result<SnapshotReport> Take(const Bytes& content,
                              const SnapshotOptions& options = SmallOptions());
  Result<SnapshotReport> TakeFrom(const Volume& volume, const SnapshotOptions& options);
  Result<Bytes> ReadBack(const SnapshotId& id);
  Result<RestoreReport> RestoreInPlace(const SnapshotId& id, SimulatedBlockDevice& device);
  Result<std::vector<SnapshotRecord>> List();
  Result<CheckReport> Check();

  SimulatedDisk& disk() { return *disk_; }
  const SimulatedDisk& disk() const { return *disk_; }
  SimulatedLocalState& local() { return *local_; }
  const SimulatedLocalState& local() const { return *local_; }
  // All that the repository told, line by line.
  const std::string& notices() const { return notices_; }
  void ForgetNotices() { notices_.clear(); }
  // Paths of all packs of one content, sorted.
  std::vector<std::string> Packs(PackContent content) const;

 private:
  std::unique_ptr<SimulatedDisk> disk_;
  std::unique_ptr<SimulatedLocalState> local_;
  SeededRandom random_;
  std::string notices_;
};

// What a machine must be able to give back.
using Committed = std::map<SnapshotId, Bytes>;

// "" if every committed snapshot reads back byte for byte, every other one that is listed is whole,
// check is clean, and the next snapshot (of `next`) succeeds and reads back too. Otherwise what is
// not so.
std::string FindUnsound(SimulatedMachine& machine, const Committed& committed, const Bytes& next);

// What a check found, for messages.
std::string Describe(const CheckReport& report);

}  // namespace varve
