// A mount of a whole repository: every snapshot as a file, new ones as they come. Thread-safe.
//
// Volumes are opened when a file is looked at, and a few of them stay open.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fuse/served_tree.h"
#include "fuse/snapshot_names.h"
#include "fuse/snapshot_source.h"

namespace varve {

class RepositoryTree : public ServedTree {
 public:
  // Borrows both.
  static Result<std::unique_ptr<RepositoryTree>> Create(SnapshotSource& source, const Clock& clock);

  Result<ServedNode> Lookup(InodeNumber parent, const std::string& name) override;
  Result<ServedNode> Get(InodeNumber inode) override;
  Result<std::vector<ServedNode>> List(InodeNumber directory) override;
  Result<std::shared_ptr<VolumeView>> Open(InodeNumber file) override;
  uint64_t TotalBytes() override;

 private:
  RepositoryTree(SnapshotSource& source, const Clock& clock) : source_(source), clock_(clock) {}

  Status RefreshLocked();
  Result<ServedNode> WithDataBytesLocked(const ServedNode& node);
  Result<std::shared_ptr<SnapshotFile>> OpenLocked(InodeNumber file);

  SnapshotSource& source_;
  const Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> seen_;  // guarded by mutex_, like all below
  std::optional<int64_t> refreshed_ns_;
  SnapshotNames names_;
  std::map<InodeNumber, std::weak_ptr<SnapshotFile>> files_;
  std::vector<std::shared_ptr<SnapshotFile>> recent_;  // kept open for the next reader
};

}  // namespace varve
