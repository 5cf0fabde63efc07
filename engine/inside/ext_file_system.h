// The files of an ext2, ext3 or ext4 file system in a volume, read without mounting it. The only
// place that knows libext2fs.
//
// The file system is somebody else's and may be damaged or hostile: names, sizes and links are
// handed out only within bounds, and a failure names the inode. Its journal is not replayed.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "restore/volume_view.h"

namespace varve {

enum class InsideKind { kFile, kDirectory, kLink, kOther };

struct InsideFile {
  uint32_t inode = 0;
  InsideKind kind = InsideKind::kOther;
  uint64_t size_bytes = 0;
  uint32_t mode = 0;  // permission bits alone
  uint32_t user = 0;
  uint32_t group = 0;
  uint32_t links = 0;
  int64_t modified_unix_ns = 0;
};

struct InsideEntry {
  std::string name;  // never empty, ".", ".." or with '/' or NUL in it
  InsideFile file;
  Status status;  // why name or file are of no use, if they are not
};

class ExtFileSystem {
 public:
  // In [offset, offset + size_bytes) of the volume, which is borrowed. Corruption if it is none.
  static Result<std::unique_ptr<ExtFileSystem>> Open(VolumeView& volume, uint64_t offset,
                                                     uint64_t size_bytes);
  ~ExtFileSystem();

  // The journal holds changes that are not in the file system yet: what is read is the state of its
  // last checkpoint, and may not fit together.
  bool needs_replay() const;
  uint64_t size_bytes() const { return size_bytes_; }

  // Follows links within the file system, the last one, too.
  Result<InsideFile> Find(const std::string& path);
  // In the order of their names. Corruption, naming it, for a directory that cannot be read whole.
  Result<std::vector<InsideEntry>> List(const InsideFile& directory);
  Result<std::string> ReadLink(const InsideFile& link);
  // Calls `sink` with the pieces of a file that hold data, in order; what lies between is zeros.
  Status ReadFile(const InsideFile& file,
                  const std::function<Status(uint64_t offset, ByteSpan bytes)>& sink);

 private:
  struct Handle;
  ExtFileSystem(std::unique_ptr<Handle> handle, uint64_t size_bytes);

  Result<InsideFile> Get(uint32_t inode);
  Result<uint32_t> FindIn(uint32_t directory, const std::string& path, int* links_left);
  Status Failure(const std::string& what, long error) const;

  const std::unique_ptr<Handle> handle_;
  const uint64_t size_bytes_;
};

}  // namespace varve
