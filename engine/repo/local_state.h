// What stands beside a repository's objects on the machine that works with it: the writer's lock
// and the index. Nothing in it is needed to read a snapshot back; all of it can be made anew.
// An interface, so that tests run the repository on a simulated disk. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "store/index.h"
#include "store/rocks_index.h"

namespace varve {

// Held as long as it exists.
class WriterLock {
 public:
  virtual ~WriterLock() = default;
};

// A named lock, held as long as it exists; a process that dies lets go of it.
class HeldLock {
 public:
  virtual ~HeldLock() = default;
};
// What stays of a lock that is let go: its name for the next holder, or nothing.
enum class LockLife { kLasting, kOnce };

class LocalState {
 public:
  virtual ~LocalState() = default;
  // Takes the lock of that name, or answers null: another process (or this one) holds it.
  virtual Result<std::unique_ptr<HeldLock>> TryLock(const std::string& name, LockLife life) = 0;
  // Busy, naming the holder, if another process (or this one) writes.
  virtual Result<std::unique_ptr<WriterLock>> AcquireWriterLock(const std::string& purpose) = 0;
  virtual Result<std::unique_ptr<Index>> OpenIndex(const RepositoryId& repository,
                                                   IndexMode mode) = 0;
  // Only while holding the writer's lock.
  virtual Status DestroyIndex() = 0;
  // Lines about what is damaged in the index's own files.
  virtual Result<std::vector<std::string>> VerifyIndex() = 0;
};

// The writer's lock is flock(2) on <repository>/lock, the named ones are on
// <repository>/locks/<name>; the index is RocksDB in <repository>/index.
std::unique_ptr<LocalState> NewDirectoryLocalState(const std::string& repository_directory);

}  // namespace varve
