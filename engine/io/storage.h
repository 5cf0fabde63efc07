// Objects of a repository on a Disk: published once, whole and durable, then only read or removed.
//
// Publish is the one function that makes an object visible (reliability.md, durability rules):
// write a temporary, fdatasync, rename without replacing, fsync the directory. After a failed
// fsync the file is abandoned (its temporary removed) and never synced again; the bytes are written
// to a second temporary once. The second such failure in the life of the storage poisons it: every
// later Publish, Remove and CreateDirectory returns the first error ("the repository is read-only
// now"). A failed fsync of a directory poisons at once, since a directory cannot be abandoned and
// written anew; the object is taken back then. NoSpace from a sync only abandons the temporary: a
// full disk is no reason to distrust it.
// Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "io/disk.h"
#include "io/sealing.h"

namespace varve {

// Temporaries carry this suffix until they are renamed; a reader ignores such names everywhere.
inline constexpr const char* kTemporarySuffix = ".tmp";

class Storage {
 public:
  // `disk` is borrowed and outlives the storage.
  explicit Storage(Disk& disk) : disk_(disk) {}

  // From here on Publish seals and ReadSmall opens. Before the storage is shared; borrowed.
  void SetSealing(const Sealing* sealing) { sealing_ = sealing; }
  // Null if the repository is not encrypted.
  const Sealing* sealing() const { return sealing_; }

  // Makes `path` exist with the concatenation of `pieces`, durably, or not at all. Its directory
  // must exist. AlreadyExists if the object does; NoSpace, Io as the kernel says.
  Status Publish(const std::string& path, std::span<const ByteSpan> pieces);
  Status Publish(const std::string& path, ByteSpan bytes) {
    return Publish(path, std::span<const ByteSpan>(&bytes, 1));
  }
  // Removes an object, durably. On NoSpace or another error of the sync it may be back after a
  // crash.
  Status Remove(const std::string& path);
  // Gives an object another name, durably; AlreadyExists if that is taken. On an error of the sync
  // it may have either name after a crash, never none.
  Status Move(const std::string& from, const std::string& to);
  // Creates a directory below an existing one, durably; fine if it exists.
  Status CreateDirectory(const std::string& path);

  // The whole of a small object, opened if it is sealed; Corruption if it is larger than
  // `size_max`.
  Result<Bytes> ReadSmall(const std::string& path, uint64_t size_max);
  Status Read(const std::string& path, uint64_t offset, MutableByteSpan into) {
    return disk_.Read(path, offset, into);
  }
  Status ReadMany(std::vector<ReadRequest>& requests) { return disk_.ReadMany(requests); }
  Result<uint64_t> Size(const std::string& path) { return disk_.Size(path); }
  // Files of a directory, without temporaries and directories, sorted by name.
  Result<std::vector<DirectoryEntry>> List(const std::string& path);
  // Removes the temporaries that dead writers left in `path`. Only while holding the writer's lock.
  Status RemoveTemporaries(const std::string& path);
  Disk& disk() { return disk_; }

 private:
  struct Written {
    std::string temporary;
    Status status;
    bool sync_failed = false;
  };

  // The error that made the storage read-only, if one did.
  Status Writable();
  // Counts it; true if the storage is poisoned now.
  bool NoteSyncFailure(const Status& failure, int weight);
  Status PublishStored(const std::string& path, std::span<const ByteSpan> pieces);
  Written WriteTemporary(const std::string& path, std::span<const ByteSpan> pieces);
  Status SyncDirectoryOf(const std::string& path);
  void Abandon(const std::string& path);

  Disk& disk_;
  const Sealing* sealing_ = nullptr;
  std::mutex mutex_;
  Status first_sync_failure_;  // guarded by mutex_
  int sync_failures_ = 0;      // guarded by mutex_
  Status poisoned_;            // guarded by mutex_
};

}  // namespace varve
