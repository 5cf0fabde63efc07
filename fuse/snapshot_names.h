// How a mounted repository arranges its snapshots: <volume>/<time>-<id>.raw and, per volume,
// latest.raw as a link to the newest of them. A plain value that is built anew when the snapshots
// change; what was there before keeps its inode number, and no number is used twice.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "format/snapshot_record.h"
#include "fuse/served_tree.h"

namespace varve {

class SnapshotNames {
 public:
  SnapshotNames();

  // `records` by ascending sequence. Snapshots that are not among them any more are not listed any
  // more, but their files can still be asked for by number.
  void Update(const std::vector<SnapshotRecord>& records);

  const ServedNode* Find(InodeNumber inode) const;
  const ServedNode* Lookup(InodeNumber parent, const std::string& name) const;
  std::vector<ServedNode> List(InodeNumber directory) const;
  // The snapshot behind a file.
  const SnapshotRecord* RecordOf(InodeNumber file) const;
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  InodeNumber NumberOf(const std::string& key);
  ServedNode& Add(const std::string& key, InodeNumber parent, ServedKind kind,
                  const std::string& name, int64_t time_unix_ns);

  std::map<std::string, InodeNumber> numbers_;  // by volume, link or snapshot; for ever
  std::map<InodeNumber, ServedNode> nodes_;     // all that were ever there
  std::map<InodeNumber, std::map<std::string, InodeNumber>> entries_;  // listed now
  std::map<InodeNumber, SnapshotRecord> records_;
  uint64_t total_bytes_ = 0;
};

// The name of a volume as a directory: what cannot be one (".", "..", '/') is written as %XX.
std::string DirectoryName(const std::string& volume_name);
// "20260131T120000Z-1f2e3d4c.raw"
std::string SnapshotFileName(const SnapshotRecord& record);

}  // namespace varve
