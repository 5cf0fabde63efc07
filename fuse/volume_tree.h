// A mount of one volume: a root directory with the file `volume.raw` in it. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "format/snapshot_record.h"
#include "fuse/served_tree.h"

namespace varve {

class VolumeTree : public ServedTree {
 public:
  // `record` is the snapshot that the view shows, or the one that it began with.
  VolumeTree(std::shared_ptr<VolumeView> view, const SnapshotRecord& record, uint64_t data_bytes);

  Result<ServedNode> Lookup(InodeNumber parent, const std::string& name) override;
  Result<ServedNode> Get(InodeNumber inode) override;
  Result<std::vector<ServedNode>> List(InodeNumber directory) override;
  Result<std::shared_ptr<VolumeView>> Open(InodeNumber file) override;
  uint64_t TotalBytes() override { return file_.size_bytes; }

 private:
  const std::shared_ptr<VolumeView> view_;
  ServedNode root_;
  ServedNode file_;
};

// What a file's extended attributes say of its snapshot: id, volume, root, time, consistency.
std::vector<std::pair<std::string, std::string>> SnapshotAttributes(const SnapshotRecord& record);

}  // namespace varve
