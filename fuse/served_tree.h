// What a mount shows, without a word about libfuse: files, directories and links by inode number,
// and the volume behind each file. RepositoryTree and VolumeTree implement it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "restore/volume_view.h"

namespace varve {

using InodeNumber = uint64_t;
inline constexpr InodeNumber kRootInode = 1;

enum class ServedKind { kDirectory, kFile, kLink };

// One file, directory or link. A plain value.
struct ServedNode {
  InodeNumber inode = 0;
  InodeNumber parent = 0;
  ServedKind kind = ServedKind::kDirectory;
  std::string name;
  uint64_t size_bytes = 0;
  uint64_t data_bytes = 0;  // of these, what is not zeros
  int64_t time_unix_ns = 0;
  std::string target;  // of a link
  bool writable = false;
  // Whether name, target and entries may be others a moment later. What is inside a read-only file
  // never changes: an inode number is never used for anything else.
  bool may_change = false;
  // Extended attributes, with their full names ("user.varve.id").
  std::vector<std::pair<std::string, std::string>> attributes;
};

// Thread-safe.
class ServedTree {
 public:
  virtual ~ServedTree() = default;

  // NotFound if there is no such entry.
  virtual Result<ServedNode> Lookup(InodeNumber parent, const std::string& name) = 0;
  // NotFound for numbers that were never handed out.
  virtual Result<ServedNode> Get(InodeNumber inode) = 0;
  // The entries of a directory, sorted by name.
  virtual Result<std::vector<ServedNode>> List(InodeNumber directory) = 0;
  // The volume of a file. It lives as long as anybody holds it.
  virtual Result<std::shared_ptr<VolumeView>> Open(InodeNumber file) = 0;
  // Size of all that is shown, for statfs.
  virtual uint64_t TotalBytes() = 0;
};

}  // namespace varve
