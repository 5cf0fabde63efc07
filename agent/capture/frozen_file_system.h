// A mounted file system whose writers stand still, and the watchdog that makes sure they do not
// for long: a process of its own, in a session of its own, that thaws when the time is over, when
// this process ends in whatever way (kill -9 too), or when it is told to end.
//
// Thread-compatible. Needs root (CAP_SYS_ADMIN).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve::agent {

class FrozenFileSystem {
 public:
  // Starts the watchdog, then freezes. `longest` counts from before the freeze, the write-out of
  // dirty pages included. Denied if `mountpoint` is the root, no mount, or shares its file system
  // with one of `never` (repository, state, logs); Busy if somebody froze it already.
  static Result<std::unique_ptr<FrozenFileSystem>> Freeze(const std::string& mountpoint,
                                                          std::chrono::milliseconds longest,
                                                          const std::vector<std::string>& never);
  ~FrozenFileSystem();
  FrozenFileSystem(const FrozenFileSystem&) = delete;
  FrozenFileSystem& operator=(const FrozenFileSystem&) = delete;

  // Io if the watchdog thawed before: what was read meanwhile is of several moments.
  Status Thaw();
  pid_t watchdog() const { return watchdog_; }

 private:
  FrozenFileSystem() = default;
  Status StartWatchdog(std::chrono::milliseconds longest);
  // The watchdog's last word, and its end.
  Result<bool> EndWatchdog();

  std::string mountpoint_;
  FileDescriptor directory_;  // the mountpoint; opened before, for nothing can be later
  FileDescriptor watch_;      // our end; its closing is the watchdog's sign that we are gone
  pid_t watchdog_ = -1;
  bool frozen_ = false;
};

// Why `mountpoint` may not be frozen; OK if it may.
Status CheckMayFreeze(const std::string& mountpoint, const std::vector<std::string>& never);
// For the start after a crash: OK also if it is not frozen or not mounted any more.
Status ThawIfFrozen(const std::string& mountpoint);

}  // namespace varve::agent
