#include "io/holder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/clock.h"

namespace varve {
namespace {

constexpr size_t kHolderTextMax = 512;

std::string HolderText(const std::string& purpose) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return "process " + std::to_string(getpid()) + " on " + host.data() + " (" + purpose +
         ", since " + FormatUtc(Clock::System().NowUnixNs()) + ")";
}

}  // namespace

Result<std::unique_ptr<HolderLock>> HolderLock::Acquire(const std::string& path,
                                                        const std::string& what,
                                                        const std::string& purpose) {
  FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Status::FromErrno(errno, "lock " + path);
    std::array<char, kHolderTextMax> text{};
    const ssize_t length = pread(fd.get(), text.data(), text.size(), 0);
    const std::string holder =
        length > 0 ? std::string(text.data(), static_cast<size_t>(length)) : "another process";
    return Busy(what + " is being written by " + holder);
  }
  const std::string text = HolderText(purpose).substr(0, kHolderTextMax);
  if (ftruncate(fd.get(), 0) != 0 ||
      pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    // Only the name of the holder is lost: a full disk must not stop a delete.
    [[maybe_unused]] const int truncated = ftruncate(fd.get(), 0);
  }
  return std::unique_ptr<HolderLock>(new HolderLock(std::move(fd)));
}

HolderLock::~HolderLock() {
  // The text is for people; nobody holds the lock from here on. A failure changes nothing.
  [[maybe_unused]] const int truncated = ftruncate(fd_.get(), 0);
}

}  // namespace varve
