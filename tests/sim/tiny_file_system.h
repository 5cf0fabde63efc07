// A tmpfs of a few bytes, to be filled up. Mounting needs root; where it is refused, refused() says
// why and the test skips.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "sim/temporary_directory.h"

namespace varve {

class TinyFileSystem {
 public:
  explicit TinyFileSystem(uint64_t size_bytes) {
    const std::string options = "size=" + std::to_string(size_bytes);
    if (mount("varve-test", path().c_str(), "tmpfs", 0, options.c_str()) != 0) {
      refused_ = std::string("cannot mount a tmpfs: ") + std::strerror(errno);
    }
  }
  ~TinyFileSystem() {
    if (refused_.empty()) umount2(path().c_str(), MNT_DETACH);
  }
  TinyFileSystem(const TinyFileSystem&) = delete;
  TinyFileSystem& operator=(const TinyFileSystem&) = delete;

  // Empty if it is mounted.
  const std::string& refused() const { return refused_; }
  const std::string& path() const { return directory_.path(); }
  std::string File(const std::string& name) const { return directory_.File(name); }

 private:
  TemporaryDirectory directory_;
  std::string refused_;
};

}  // namespace varve
