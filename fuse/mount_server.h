// Serves a tree of volumes at a mountpoint. The only place that knows libfuse.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/limits.h"
#include "base/status.h"
#include "fuse/served_tree.h"

namespace varve {

struct MountSettings {
  std::string mountpoint;  // resolved and prepared (mountpoint.h)
  std::string source;      // how `df` and `mount` call it
  bool writable = false;
  // Other users than the one who mounts may look.
  bool allow_other = false;
  // How long a request may take before it is answered with EIO. Below 30 s with all its slack.
  std::chrono::milliseconds time_limit{25'000};
  uint64_t read_ahead_bytes = 4 * kMiB;
  // Readable when the mount is to end; -1 for never.
  int stop_fd = -1;
};

// Mounts and serves until the mount is taken away, by whomever, or until settings.stop_fd: then it
// vanishes at once, requests under way are answered, and files that are still open fail. `on_ready`
// is called, from another thread, when the mount answers. `log` gets what could not be served, with
// object and range; it is called from many threads.
// Uses SIGUSR2 on the calling thread.
Status ServeMount(const MountSettings& settings, ServedTree& tree,
                  const std::function<void(const std::string&)>& log,
                  const std::function<void()>& on_ready);

}  // namespace varve
