// Hands out the leaves of a volume that hold data, in order. What lies between them is a hole and
// is zero without being read. Thread-safe.
#pragma once

#include <mutex>
#include <optional>

#include "base/progress.h"
#include "base/status.h"
#include "format/node_format.h"
#include "volume/volume.h"

namespace varve {

struct LeafTask {
  uint64_t ticket = 0;  // 0, 1, 2, … in volume order
  uint64_t leaf = 0;
  // The part of the leaf with data, rounded out to chunks (and cut at the volume's end).
  uint64_t begin = 0;
  uint64_t end = 0;
};

class LeafScheduler {
 public:
  // Both borrowed.
  LeafScheduler(const Volume& volume, const TreeGeometry& geometry, Progress& progress)
      : volume_(volume), geometry_(geometry), progress_(progress) {}

  // Nothing when all leaves are handed out. Cancelled when the user wishes so.
  Result<std::optional<LeafTask>> Next();
  // Lets every later Next say that there is nothing: another worker failed.
  void Stop();

 private:
  Status FindExtentLocked(uint64_t offset);

  const Volume& volume_;
  const TreeGeometry geometry_;
  Progress& progress_;
  std::mutex mutex_;
  std::optional<DataExtent> extent_;  // guarded by mutex_, like all below; current or next extent
  uint64_t position_ = 0;             // everything before it is handed out or a hole
  uint64_t next_ticket_ = 0;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace varve
