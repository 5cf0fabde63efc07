// The seam between the repository and the kernel: the few operations on files from which
// everything durable is made. Production is PosixDisk; tests use a simulated disk that loses, tears
// and garbles what was not synced, and fails the Nth operation.
//
// Paths are relative to the repository's root, with '/' between components; ".." is a bug of ours.
// Thread-safe. A failed operation leaves the disk as if it had not been called, except where the
// kernel cannot promise that (a failed Sync or Write: the file is of no use any more).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

// A file that is being written and has no final name yet. One thread. Closing happens in the
// destructor; an error of close(2) after a good Sync cannot lose data and is not reported.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // Appends all of `bytes` (the caller's until it returns).
  virtual Status Append(ByteSpan bytes) = 0;
  // fdatasync. A failure is final for this file: never call it again, write the bytes elsewhere.
  virtual Status Sync() = 0;
};

// A file that is changed in place, as a disk is: an overlay's data. Thread-safe for ranges that do
// not overlap. What was written since the last Sync may be there or not after a crash, sector by
// sector. After a failed Sync the file is of no more use than before that Sync.
class UpdatableFile {
 public:
  virtual ~UpdatableFile() = default;
  // Fills `into`; what lies behind the end of the file is zeros.
  virtual Status ReadAt(uint64_t offset, MutableByteSpan into) = 0;
  virtual Status WriteAt(uint64_t offset, ByteSpan bytes) = 0;
  // The range reads as zeros and takes no space, where the file system can do that.
  virtual Status Punch(uint64_t offset, uint64_t length) = 0;
  // fdatasync.
  virtual Status Sync() = 0;
};

struct DirectoryEntry {
  std::string name;  // without the directory
  uint64_t size_bytes = 0;
  bool is_directory = false;
};

// One piece of a file to read: exactly into.size() bytes at `offset`.
struct ReadRequest {
  std::string path;
  uint64_t offset = 0;
  MutableByteSpan into;
  // The memory around `into`, out to multiples of 4 KiB, is the request's too, and `into` begins as
  // far into its 4 KiB as `offset` into the file's: the disk may read past the page cache. For
  // packs that are read once.
  bool padded = false;
};

class Disk {
 public:
  virtual ~Disk() = default;

  // Creates `path`, which must not exist (AlreadyExists), for writing.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Opens `path` for changes in place; created if it does not exist, made `size_bytes` long (with
  // zeros) if it is shorter. A new name is durable after SyncDirectory.
  virtual Result<std::unique_ptr<UpdatableFile>> OpenForUpdate(const std::string& path,
                                                               uint64_t size_bytes) = 0;
  // Renames without replacing: AlreadyExists if `to` exists. Durable after SyncDirectory.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  // Creates one directory; fine if it exists.
  virtual Status CreateDirectory(const std::string& path) = 0;
  // Removes an empty directory; a failure if anything is in it.
  virtual Status RemoveDirectory(const std::string& path) = 0;
  // fsync of the directory: makes creations, renames and removals in it durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Entries in no particular order, without "." and "..". NotFound if there is no such directory.
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& path) = 0;
  virtual Result<uint64_t> Size(const std::string& path) = 0;
  // Reads exactly into.size() bytes; a file that ends before is Corruption naming both numbers.
  virtual Status Read(const std::string& path, uint64_t offset, MutableByteSpan into) = 0;
  // Reads all requests, with as many in flight as the disk likes. The first failure is returned;
  // the buffers are the caller's again when it returns.
  virtual Status ReadMany(std::vector<ReadRequest>& requests) = 0;
  // Makes a file of zeros that has all its room, durably. Here by writing them; a disk may know
  // better.
  virtual Status Allocate(const std::string& path, uint64_t size_bytes);
  // Bytes that an unprivileged writer may still use.
  virtual Result<uint64_t> FreeBytes() = 0;
  // Forgets cached handles of `path`, if there are any; called after it was removed or renamed.
  virtual void Forget(const std::string& path) = 0;
};

}  // namespace varve
