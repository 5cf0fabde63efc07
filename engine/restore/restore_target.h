// Where a restore writes to: a new file that gets its name only when it is whole, or an existing
// file or device that is rewritten in place. One thread opens and finishes; the writer is for all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "io/block_writer.h"
#include "volume/raw_volume.h"

namespace varve {

enum class TargetMode {
  kNewFile,  // must not exist
  kReplace,  // a file is replaced when the new one is whole; a device is overwritten
  kInPlace,  // must exist; only what differs is written
};

class RestoreTarget {
 public:
  // Checks everything that can be known before the first write: that the target is large enough,
  // not mounted, not behind a loop device. `snapshot` names the unfinished file, so that an
  // interrupted restore of the same snapshot is continued.
  static Result<std::unique_ptr<RestoreTarget>> Open(const std::string& path, TargetMode mode,
                                                     uint64_t size_bytes,
                                                     const SnapshotId& snapshot);
  ~RestoreTarget();
  RestoreTarget(const RestoreTarget&) = delete;
  RestoreTarget& operator=(const RestoreTarget&) = delete;

  BlockWriter& writer() { return *writer_; }
  // What the target holds now, to compare with; null if it is known to be all zeros.
  const RawVolume* present() const { return present_.get(); }
  bool resumed() const { return resumed_; }
  // Everything is written: makes it durable and gives it its name.
  Status Finish();

 private:
  RestoreTarget() = default;
  Status OpenNew(TargetMode mode, uint64_t size_bytes, const SnapshotId& snapshot);
  Status OpenExisting(uint64_t size_bytes);
  Status OpenDescriptors(const std::string& path, int flags);

  std::string path_;          // what the user asked for
  std::string written_path_;  // what is written: the unfinished file, or path_
  bool replace_ = false;
  bool resumed_ = false;
  int fd_ = -1;
  int direct_fd_ = -1;
  std::unique_ptr<BlockWriter> writer_;
  std::unique_ptr<RawVolume> present_;
};

}  // namespace varve
