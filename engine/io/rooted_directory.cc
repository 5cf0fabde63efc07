#include "io/rooted_directory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace varve {
namespace {

// Paths are made by the engine from ids; one that tries to leave is a bug of ours.
void CheckPath(const std::string& path) {
  VARVE_CHECK(path.empty() || path.front() != '/');
  VARVE_CHECK(path.find('\0') == std::string::npos);
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    VARVE_CHECK(path.compare(begin, end - begin, "..") != 0);
    begin = end + 1;
  }
}

}  // namespace

int RootedDirectory::Open(const std::string& path, int flags, mode_t mode) const {
  CheckPath(path);
  const char* const name = path.empty() ? "." : path.c_str();
  flags |= O_CLOEXEC | O_NOFOLLOW;
  if (has_openat2_.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const long fd = syscall(SYS_openat2, directory_.get(), name, &how, sizeof(how));
    // EPERM is what sandboxes say to calls they do not know; openat then tells the real reason.
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
    if (errno == ENOSYS) has_openat2_.store(false, std::memory_order_relaxed);
  }
  return openat(directory_.get(), name, flags, mode);
}

RootedDirectory::Parent RootedDirectory::OpenParent(const std::string& path) const {
  CheckPath(path);
  const size_t slash = path.rfind('/');
  Parent parent;
  if (slash == std::string::npos) {
    parent.fd = directory_.get();
    parent.leaf = path;
    return parent;
  }
  parent.opened = FileDescriptor(Open(path.substr(0, slash), O_PATH | O_DIRECTORY));
  parent.fd = parent.opened.get();
  parent.leaf = path.substr(slash + 1);
  return parent;
}

}  // namespace varve
