#include "io/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace varve {

Status SpillFile::Open() {
  const char* wish = std::getenv("TMPDIR");
  const std::string directory = wish != nullptr && *wish != '\0' ? wish : "/var/tmp";
  FileDescriptor fd(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid() && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string name = directory + "/varve-spill-XXXXXX";
    fd = FileDescriptor(mkostemp(name.data(), O_CLOEXEC));
    if (fd.valid()) unlink(name.c_str());
  }
  if (!fd.valid()) return Status::FromErrno(errno, "a temporary file in " + directory);
  fd_ = std::move(fd);
  return {};
}

Result<uint64_t> SpillFile::Append(ByteSpan bytes) {
  if (!fd_.valid()) VARVE_RETURN_IF_ERROR(Open());
  const uint64_t begin = size_;
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Status::FromErrno(errno, "writing to a temporary file");
    bytes = bytes.subspan(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  return begin;
}

Status SpillFile::Read(uint64_t offset, MutableByteSpan into) const {
  while (!into.empty()) {
    const ssize_t got = pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Status::FromErrno(got == 0 ? EIO : errno, "reading a temporary file");
    into = into.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace varve
