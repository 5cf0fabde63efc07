// A file system of its own in a file, mounted by loop while this lives. Needs root; where that is
// not to be had, refused() says why and the test skips.
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/process/command.h"

namespace varve::agent {

class MountedImage {
 public:
  // `make`: mkfs and its options, without the file.
  MountedImage(std::string image, std::string mountpoint, uint64_t size_bytes,
               std::vector<std::string> make)
      : image_(std::move(image)), mountpoint_(std::move(mountpoint)) {
    std::filesystem::create_directories(mountpoint_);
    CommandRequest touch;
    touch.argv = {"truncate", "--size", std::to_string(size_bytes), image_};
    CommandRequest mkfs;
    mkfs.argv = std::move(make);
    mkfs.argv.push_back(image_);
    CommandRequest mount;
    mount.argv = {"mount", "-o", "loop", "--", image_, mountpoint_};
    for (const CommandRequest& step : {touch, mkfs, mount}) {
      const auto result = RunCommand(step);
      if (result.ok() && result->exit_code == 0) continue;
      refused_ = step.argv[0] + ": " + (result.ok() ? result->output : result.status().message());
      return;
    }
    mounted_ = true;
  }
  ~MountedImage() {
    for (int tries = 0; mounted_ && tries < 200; ++tries) {
      if (umount2(mountpoint_.c_str(), 0) == 0) return;
      usleep(10'000);
    }
  }
  MountedImage(const MountedImage&) = delete;
  MountedImage& operator=(const MountedImage&) = delete;

  const std::string& refused() const { return refused_; }
  const std::string& image() const { return image_; }
  const std::string& mountpoint() const { return mountpoint_; }
  std::string File(const std::string& name) const { return mountpoint_ + "/" + name; }

 private:
  std::string image_, mountpoint_, refused_;
  bool mounted_ = false;
};

inline constexpr uint64_t kXfsSizeMin = uint64_t{320} << 20;

}  // namespace varve::agent
