// Where mounts are made and taken away again: checks of the directory, what the kernel says is
// mounted there, and the remains of mounts whose process was killed. Thread-safe: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace varve {

// What /proc/self/mountinfo calls a mount of varve.
inline constexpr const char* kMountType = "fuse.varve";

struct MountedAt {
  std::string device;  // "0:53", as /sys/class/bdi names it
  std::string type;
  std::string source;
};

// The path without links and relative parts. Its last part may be a dead mount, which nothing but
// its parent can be asked about.
Result<std::string> ResolveMountpoint(const std::string& path);
// The topmost mount at a resolved path; nothing if there is none.
Result<std::optional<MountedAt>> FindMount(const std::string& path);

// Takes mounts of varve at `path` (resolved) away whose process is dead. Whether there were any.
Result<bool> RemoveDeadMounts(const std::string& path);

// Makes sure that `path` (resolved) is an empty directory with nothing mounted on it. A mount of
// varve whose process is dead is taken away first; whether that was so.
Result<bool> PrepareMountpoint(const std::string& path);

// Takes the mount of varve at `path` (resolved) away and waits, at most `wait_seconds`, for the
// process that served it to end. Busy while files of it are open, unless `lazy`: then it vanishes
// at once and ends with the last file. NotFound if nothing of varve is mounted there.
Status Unmount(const std::string& path, bool lazy, unsigned wait_seconds);

// The same without asking what is there, for the process that serves it. Does not wait.
Status Detach(const std::string& path, bool lazy);

// How far the kernel reads ahead on the mount at `path`. Only root may raise it; a failure is of
// no importance but for speed.
Status RaiseReadAhead(const std::string& path, uint64_t bytes);

// The attribute of a mount's root that tells its process.
inline constexpr const char* kProcessAttribute = "user.varve.process";

}  // namespace varve
