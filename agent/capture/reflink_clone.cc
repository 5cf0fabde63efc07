#include "agent/capture/reflink_clone.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "io/file_descriptor.h"

namespace varve::agent {

Status CloneFile(const std::string& source, const std::string& clone) {
  const FileDescriptor from(open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!from.valid()) return Status::FromErrno(errno, source);
  const FileDescriptor to(
      open(clone.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!to.valid()) return Status::FromErrno(errno, clone);
  if (ioctl(to.get(), FICLONE, from.get()) == 0) return {};
  const int error = errno;
  unlink(clone.c_str());
  if (error == EOPNOTSUPP || error == EINVAL || error == EXDEV || error == ENOTTY) {
    return Unsupported(source + ": its file system makes no reflink clone at " + clone + ": " +
                       std::strerror(error));
  }
  return Status::FromErrno(error, source + ": clone to " + clone);
}

std::string ClonePathOf(const std::string& volume_path, const std::string& id) {
  const std::filesystem::path path(volume_path);
  return (path.parent_path() / ("." + path.filename().string() + ".varve-" + id)).string();
}

}  // namespace varve::agent
