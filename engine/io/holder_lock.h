// flock(2) on a file that says, for people, who holds it.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve {

// Held as long as it exists, or its process. Thread-compatible.
class HolderLock {
 public:
  // Takes the lock on `path`, which is created if need be. Busy, "`what` is being written by
  // process 12 on host (purpose, since …)", if another process, or this one, has it.
  static Result<std::unique_ptr<HolderLock>> Acquire(const std::string& path,
                                                     const std::string& what,
                                                     const std::string& purpose);
  ~HolderLock();

 private:
  explicit HolderLock(FileDescriptor fd) : fd_(std::move(fd)) {}

  const FileDescriptor fd_;
};

}  // namespace varve
