// A real block device in front of a file, detached by the kernel when this is destroyed. Needs root
// and /dev/loop-control; where those are missing, refused() says why and the test skips.
#pragma once

#include <string>

#include "io/file_descriptor.h"

namespace varve {

class LoopDevice {
 public:
  // `file` exists; what of it is not whole sectors is not on the device.
  explicit LoopDevice(const std::string& file);

  // Empty if the device is there.
  const std::string& refused() const { return refused_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string refused_;
  FileDescriptor held_open_;  // the kernel detaches it after the last close
};

}  // namespace varve
