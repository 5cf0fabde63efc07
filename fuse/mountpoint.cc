#include "fuse/mountpoint.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "io/file_descriptor.h"

extern char** environ;

namespace varve {
namespace {

// "\040" and its like, as the kernel writes them.
std::string Unescaped(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      result += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

// fusermount3 is how a user who is not root takes a mount of his own away.
Status RunFusermount(const std::string& path, bool lazy) {
  std::vector<std::string> words = {"fusermount3", "-u", "-q"};
  if (lazy) words.push_back("-z");
  words.push_back("--");
  words.push_back(path);
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error =
      posix_spawnp(&process, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (error != 0) return Status::FromErrno(error, "running fusermount3");
  int state = 0;
  while (waitpid(process, &state, 0) < 0) {
    if (errno != EINTR) return Status::FromErrno(errno, "waiting for fusermount3");
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return {};
  return Busy(path + ": fusermount3 could not unmount it; is a file of it open?");
}

Status CheckEmptyDirectory(const std::string& path) {
  struct stat attributes {};
  if (stat(path.c_str(), &attributes) != 0) {
    return Status::FromErrno(errno, "mountpoint " + path);
  }
  if (!S_ISDIR(attributes.st_mode)) {
    return InvalidArgument("mountpoint " + path + " is not a directory");
  }
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) return Status::FromErrno(error.value(), "mountpoint " + path);
  if (!empty) return InvalidArgument("mountpoint " + path + " is not empty");
  return {};
}

// Asks what the kernel does not remember: attributes of the root may outlive the process.
bool IsDead(const std::string& path) {
  struct statvfs statistics {};
  return statvfs(path.c_str(), &statistics) != 0 && errno == ENOTCONN;
}

// A descriptor of the process that serves the mount, if it lives and may be watched.
FileDescriptor ServingProcess(const std::string& path) {
  std::array<char, 32> text{};
  if (getxattr(path.c_str(), kProcessAttribute, text.data(), text.size() - 1) <= 0) {
    return FileDescriptor(-1);
  }
  const long process = std::strtol(text.data(), nullptr, 10);
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

}  // namespace

Result<std::string> ResolveMountpoint(const std::string& path) {
  std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  const std::unique_ptr<char, void (*)(void*)> whole(realpath(absolute.c_str(), nullptr), free);
  if (whole != nullptr) return std::string(whole.get());
  if (errno != ENOTCONN) return Status::FromErrno(errno, "mountpoint " + path);
  const std::unique_ptr<char, void (*)(void*)> parent(
      realpath(absolute.parent_path().c_str(), nullptr), free);
  if (parent == nullptr) return Status::FromErrno(errno, "mountpoint " + path);
  return (std::filesystem::path(parent.get()) / absolute.filename()).string();
}

Result<std::optional<MountedAt>> FindMount(const std::string& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) return Status::FromErrno(errno, "/proc/self/mountinfo");
  std::optional<MountedAt> found;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped, device, root, mountpoint, word;
    fields >> skipped >> skipped >> device >> root >> mountpoint;
    if (Unescaped(mountpoint) != path) continue;
    while (fields >> word && word != "-") {
    }
    MountedAt mount;
    mount.device = device;
    fields >> mount.type >> mount.source;
    mount.source = Unescaped(mount.source);
    found = mount;  // later lines are mounted over earlier ones
  }
  return found;
}

Result<bool> RemoveDeadMounts(const std::string& path) {
  // More than one may lie there, one over the other.
  for (bool removed = false;; removed = true) {
    VARVE_ASSIGN_OR_RETURN(const std::optional<MountedAt> mount, FindMount(path));
    if (!mount || mount->type != kMountType || !IsDead(path)) return removed;
    VARVE_RETURN_IF_ERROR(Detach(path, true));
  }
}

Result<bool> PrepareMountpoint(const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(const bool removed, RemoveDeadMounts(path));
  VARVE_ASSIGN_OR_RETURN(const std::optional<MountedAt> mount, FindMount(path));
  if (mount && mount->type == kMountType) {
    return AlreadyExists("mountpoint " + path + " is a mount of " + mount->source + " already");
  }
  if (mount && IsDead(path)) {
    return Busy("mountpoint " + path + " is a dead mount of " + mount->type + ": unmount it first");
  }
  VARVE_RETURN_IF_ERROR(CheckEmptyDirectory(path));
  return removed;
}

Status Detach(const std::string& path, bool lazy) {
  if (geteuid() != 0) return RunFusermount(path, lazy);
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) return {};
  if (errno == EBUSY) return Busy(path + ": files of it are open");
  return Status::FromErrno(errno, path + ": unmounting");
}

Status Unmount(const std::string& path, bool lazy, unsigned wait_seconds) {
  VARVE_ASSIGN_OR_RETURN(const std::optional<MountedAt> mount, FindMount(path));
  if (!mount) return NotFound("nothing is mounted at " + path);
  if (mount->type != kMountType) {
    return NotFound(path + " is a mount of " + mount->type + ", not of varve");
  }
  if (IsDead(path)) return Detach(path, true);
  const FileDescriptor process = ServingProcess(path);
  VARVE_RETURN_IF_ERROR(Detach(path, lazy));
  if (lazy || !process.valid()) return {};
  struct pollfd ended {
    .fd = process.get(), .events = POLLIN, .revents = 0
  };
  int ready = 0;
  do {
    ready = poll(&ended, 1, static_cast<int>(wait_seconds * 1000));
  } while (ready < 0 && errno == EINTR);
  if (ready == 1) return {};
  return Busy(path + " is unmounted, but its process has not ended yet");
}

Status RaiseReadAhead(const std::string& path, uint64_t bytes) {
  VARVE_ASSIGN_OR_RETURN(const std::optional<MountedAt> mount, FindMount(path));
  if (!mount) return NotFound("nothing is mounted at " + path);
  const std::string setting = "/sys/class/bdi/" + mount->device + "/read_ahead_kb";
  const FileDescriptor file(open(setting.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return Status::FromErrno(errno, setting);
  const std::string text = std::to_string(bytes / 1024);
  if (write(file.get(), text.data(), text.size()) < 0) return Status::FromErrno(errno, setting);
  return {};
}

}  // namespace varve
