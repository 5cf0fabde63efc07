// One directory, and the files below it: no path given here leaves it, neither by ".." nor by a
// symbolic link (openat2 with RESOLVE_BENEATH where the kernel has it). Thread-safe.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>

#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve {

class RootedDirectory {
 public:
  explicit RootedDirectory(FileDescriptor directory) : directory_(std::move(directory)) {}

  // openat(2) below the directory, with O_CLOEXEC and O_NOFOLLOW. "" and "." are the directory.
  // -1 and errno on failure.
  int Open(const std::string& path, int flags, mode_t mode = 0) const;

  // The directory that contains `path`, to be given to the *at system calls together with `leaf`.
  struct Parent {
    FileDescriptor opened;  // none if it is the root itself
    int fd = -1;            // -1: errno says why
    std::string leaf;
  };
  Parent OpenParent(const std::string& path) const;

  int fd() const { return directory_.get(); }

 private:
  const FileDescriptor directory_;
  mutable std::atomic<bool> has_openat2_{true};
};

}  // namespace varve
