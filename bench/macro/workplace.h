// Where a workload runs: a directory of its own with a volume and a repository, and the calls that
// every workload makes. A benchmark that cannot go on ends the process with a message.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "api/engine.h"

namespace varve {

// What a workload found, in the order in which it is shown. Names are plain words and underscores.
class Findings {
 public:
  void Add(const std::string& name, double value) { values_.emplace_back(name, value); }
  double Get(const std::string& name) const;
  const std::vector<std::pair<std::string, double>>& values() const { return values_; }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

struct Workplace {
  std::filesystem::path directory;
  uint64_t volume_bytes = 0;
  uint64_t seed = 0;

  std::string Volume() const { return directory / "volume.img"; }
  std::string Repository() const { return directory / "repository"; }
};

[[noreturn]] void GiveUp(const std::string& what);
void Require(const Status& status, const std::string& what);

class Stopwatch {
 public:
  Stopwatch();
  double Seconds() const;     // of the wall
  double CpuSeconds() const;  // of this process, all threads

 private:
  double wall_;
  double cpu_;
};

// Writes pages [first, first + count) of the volume, as sample pages of `seed`, and syncs them.
void WritePages(const Workplace& place, uint64_t first, uint64_t count, uint64_t seed);
// Makes the volume: all pages of place.seed.
void MakeVolume(const Workplace& place);
void InitRepository(const Workplace& place);
// Opens the repository, takes one snapshot of the volume, closes it. Adds what it cost and stored
// to `findings`, under names that begin with `prefix`.
SnapshotRecord TakeTimed(const Workplace& place, const std::string& prefix, Findings* findings);
// A restore of `record` to a file that is removed again (kNewFile) or stays (kInPlace).
RestoreReport RestoreTimed(const Workplace& place, const SnapshotRecord& record,
                           const std::string& target, TargetMode mode, double* seconds);
// The limit of any scan: reads the volume past the page cache, 1 MiB at a time on two threads.
double ReadVolumeSeconds(const Workplace& place);

}  // namespace varve
