#include "agent/capture/frozen_file_system.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace varve::agent {
namespace {

constexpr int kRetryMs = 50;
constexpr char kReady = 'r';
constexpr char kDone = 'd';     // to the watchdog: thawed, or never frozen
constexpr char kExpired = 'x';  // from it: it had to thaw
constexpr char kUnused = 'u';   // from it: it had nothing to do

// The watchdog's descriptors after it has cleaned up.
constexpr int kWatchFd = 0;
constexpr int kDirectoryFd = 1;

int64_t NowMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// From here to its end the child of a process with threads makes system calls and nothing else: no
// memory is taken, no lock, and the frozen file system is not touched but by its descriptor.
void KeepOnly(int watch, int directory) {
  // Away from the numbers they are to have.
  const int watch_high = fcntl(watch, F_DUPFD, 10);
  const int directory_high = fcntl(directory, F_DUPFD, 10);
  dup2(watch_high, kWatchFd);
  dup2(directory_high, kDirectoryFd);
  syscall(SYS_close_range, 2u, ~0u, 0u);
}

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

// Thaws until there is nothing frozen. EINVAL is the kernel's word for that.
void ThawForGood() {
  while (ioctl(kDirectoryFd, FITHAW, 0) != 0 && errno != EINVAL && errno != EOPNOTSUPP) {
    poll(nullptr, 0, kRetryMs);
  }
}

[[noreturn]] void Watch(int64_t deadline_ms) {
  bool expired = false;
  send(kWatchFd, &kReady, 1, MSG_NOSIGNAL);
  while (true) {
    const int64_t left = deadline_ms - NowMs();
    pollfd polled{kWatchFd, POLLIN, 0};
    const int ready = poll(&polled, 1, left > 0 ? static_cast<int>(left) : kRetryMs);
    if (ready > 0) {
      char word = 0;
      const ssize_t count = recv(kWatchFd, &word, 1, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {  // its owner is gone: nobody else will thaw
        ThawForGood();
        _exit(1);
      }
      send(kWatchFd, expired ? &kExpired : &kUnused, 1, MSG_NOSIGNAL);
      _exit(0);
    }
    // The freeze itself may take longer than the time: then it comes after this, and the next
    // round ends it.
    if (NowMs() >= deadline_ms && ioctl(kDirectoryFd, FITHAW, 0) == 0) expired = true;
  }
}

Result<dev_t> DeviceOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return Status::FromErrno(errno, path);
  return status.st_dev;
}

Status Refused(const std::string& mountpoint, const std::string& why) {
  return Status(Code::kDenied, mountpoint + " is not frozen: " + why);
}

}  // namespace

Status CheckMayFreeze(const std::string& mountpoint, const std::vector<std::string>& never) {
  struct statx about {};
  if (statx(AT_FDCWD, mountpoint.c_str(), 0, STATX_BASIC_STATS, &about) != 0) {
    return Status::FromErrno(errno, mountpoint);
  }
  if ((about.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return Refused(mountpoint, "nothing is mounted there");
  }
  VARVE_ASSIGN_OR_RETURN(const dev_t device, DeviceOf(mountpoint));
  VARVE_ASSIGN_OR_RETURN(const dev_t root, DeviceOf("/"));
  if (device == root) return Refused(mountpoint, "it is the root file system");
  for (const std::string& path : never) {
    const Result<dev_t> other = DeviceOf(path);
    if (!other.ok() && other.status().code() == Code::kNotFound) continue;
    if (!other.ok()) return other.status();
    if (*other == device) return Refused(mountpoint, path + " is on the same file system");
  }
  return {};
}

Status ThawIfFrozen(const std::string& mountpoint) {
  const FileDescriptor directory(open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) {
    return errno == ENOENT ? Status() : Status::FromErrno(errno, mountpoint);
  }
  if (ioctl(directory.get(), FITHAW, 0) == 0 || errno == EINVAL || errno == EOPNOTSUPP) return {};
  return Status::FromErrno(errno, mountpoint + ": thaw");
}

Result<std::unique_ptr<FrozenFileSystem>> FrozenFileSystem::Freeze(
    const std::string& mountpoint, std::chrono::milliseconds longest,
    const std::vector<std::string>& never) {
  VARVE_RETURN_IF_ERROR(CheckMayFreeze(mountpoint, never));
  std::unique_ptr<FrozenFileSystem> frozen(new FrozenFileSystem);
  frozen->mountpoint_ = mountpoint;
  frozen->directory_ = FileDescriptor(open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!frozen->directory_.valid()) return Status::FromErrno(errno, mountpoint);
  VARVE_RETURN_IF_ERROR(frozen->StartWatchdog(longest));
  if (ioctl(frozen->directory_.get(), FIFREEZE, 0) != 0) {
    if (errno == EBUSY) return Busy(mountpoint + " is frozen already, by somebody else");
    return Status::FromErrno(errno, mountpoint + ": freeze");
  }
  frozen->frozen_ = true;
  return frozen;
}

Status FrozenFileSystem::StartWatchdog(std::chrono::milliseconds longest) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Status::FromErrno(errno, mountpoint_ + ": thaw watchdog");
  }
  watch_ = FileDescriptor(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const int64_t deadline_ms = NowMs() + longest.count();
  watchdog_ = fork();
  if (watchdog_ < 0) return Status::FromErrno(errno, mountpoint_ + ": thaw watchdog");
  if (watchdog_ == 0) {
    BlockSignals();
    setsid();
    prctl(PR_SET_NAME, "varve-thaw", 0, 0, 0);
    KeepOnly(theirs.get(), directory_.get());
    Watch(deadline_ms);
  }
  char word = 0;
  if (recv(watch_.get(), &word, 1, 0) != 1 || word != kReady) {
    return Status(Code::kIo, mountpoint_ + " is not frozen: its thaw watchdog does not run");
  }
  return {};
}

Result<bool> FrozenFileSystem::EndWatchdog() {
  char word = 0;
  const bool heard =
      send(watch_.get(), &kDone, 1, MSG_NOSIGNAL) == 1 && recv(watch_.get(), &word, 1, 0) == 1;
  watch_ = FileDescriptor();
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(watchdog_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  watchdog_ = -1;
  if (!heard) return Status(Code::kIo, mountpoint_ + ": its thaw watchdog was killed");
  return word == kExpired;
}

Status FrozenFileSystem::Thaw() {
  VARVE_CHECK(frozen_);
  frozen_ = false;
  const bool thawed = ioctl(directory_.get(), FITHAW, 0) == 0;
  const int error = errno;
  VARVE_ASSIGN_OR_RETURN(const bool expired, EndWatchdog());
  if (expired) {
    return Status(Code::kIo, mountpoint_ + " was frozen for too long and thawed by its watchdog",
                  ETIMEDOUT);
  }
  return thawed ? Status() : Status::FromErrno(error, mountpoint_ + ": thaw");
}

FrozenFileSystem::~FrozenFileSystem() {
  // A failure was told by Thaw() where somebody listened.
  if (frozen_) {
    [[maybe_unused]] const Status thawed = Thaw();
  } else if (watchdog_ > 0) {
    [[maybe_unused]] const Result<bool> ended = EndWatchdog();
  }
}

}  // namespace varve::agent
