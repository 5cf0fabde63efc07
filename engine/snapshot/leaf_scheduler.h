// Hands out the leaves of a volume that must be looked at, in order. Without a change source these
// are the leaves that hold data, and what lies between them is a hole and is zero without being
// read. With one these are the leaves with candidates, and what lies between them is the parent's.
// Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "format/node_format.h"
#include "snapshot/candidate_chunks.h"
#include "volume/volume.h"

namespace varve {

struct LeafTask {
  uint64_t ticket = 0;  // 0, 1, 2, … in volume order
  uint64_t leaf = 0;
  // The chunks to read, whole (but for the volume's last); none if there are only holes.
  std::vector<BlockRun> runs;
  // Bit i stands for chunk i of the leaf: taken over from the parent without a look.
  uint64_t taken_over = 0;
  // Looked at though the change source calls them unchanged.
  uint64_t sampled = 0;
};

class LeafScheduler {
 public:
  // All borrowed. `candidates` is null when everything is to be scanned.
  LeafScheduler(const Volume& volume, const TreeGeometry& geometry,
                const CandidateChunks* candidates, Progress& progress)
      : volume_(volume), geometry_(geometry), candidates_(candidates), progress_(progress) {}

  // Runs of one task at most: every other chunk.
  static constexpr size_t kRunsMax = kLeafChunks / 2;

  // Nothing when all leaves are handed out. Cancelled when the user wishes so.
  Result<std::optional<LeafTask>> Next();
  // Lets every later Next say that there is nothing: another worker failed.
  void Stop();

 private:
  Status FindExtentLocked(uint64_t offset);
  Result<std::optional<LeafTask>> NextWithDataLocked();
  Result<std::optional<LeafTask>> NextWithCandidatesLocked();

  const Volume& volume_;
  const TreeGeometry geometry_;
  const CandidateChunks* const candidates_;
  Progress& progress_;
  std::mutex mutex_;
  std::optional<DataExtent> extent_;  // guarded by mutex_, like all below; current or next extent
  uint64_t position_ = 0;             // everything before it is handed out or a hole
  uint64_t next_ticket_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace varve
