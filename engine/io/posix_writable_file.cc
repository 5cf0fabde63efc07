#include "io/posix_writable_file.h"

#include <fcntl.h>

#include <cerrno>

#include "base/limits.h"

namespace varve {
namespace {

// Below this the page cache is as fast, and one fdatasync flushes it together with the tail.
constexpr size_t kDirectWriteMin = 256 * kKiB;

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(FileDescriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(ByteSpan bytes) override;
  Status Sync() override;

 private:
  bool FitsDirect(ByteSpan bytes) const {
    return direct_allowed_ && bytes.size() >= kDirectWriteMin && size_ % kDirectAlignment == 0 &&
           reinterpret_cast<uintptr_t>(bytes.data()) % kDirectAlignment == 0;
  }
  bool SetDirect(bool direct);
  Status Fail(int error_number, const char* what, size_t length);

  const FileDescriptor fd_;
  const std::string path_;
  uint64_t size_ = 0;
  bool direct_allowed_ = true;  // until the file system refuses
  bool direct_ = false;         // the descriptor's O_DIRECT flag
  Status failed_;               // the first error; every later call returns it
};

bool PosixWritableFile::SetDirect(bool direct) {
  if (direct == direct_) return true;
  const int flags = fcntl(fd_.get(), F_GETFL);
  if (flags < 0) return false;
  if (fcntl(fd_.get(), F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) != 0) return false;
  direct_ = direct;
  return true;
}

Status PosixWritableFile::Fail(int error_number, const char* what, size_t length) {
  failed_ = Status::FromErrno(error_number, path_ + ": " + what + " " + std::to_string(length) +
                                                " bytes at offset " + std::to_string(size_));
  return failed_;
}

Status PosixWritableFile::Append(ByteSpan bytes) {
  VARVE_RETURN_IF_ERROR(failed_);
  while (!bytes.empty()) {
    bool direct = FitsDirect(bytes);
    if (direct && !SetDirect(true)) direct = direct_allowed_ = false;
    if (!direct && !SetDirect(false)) return Fail(errno, "writing", bytes.size());
    const size_t length = direct ? RoundDown(bytes.size(), kDirectAlignment) : bytes.size();
    const ssize_t put = pwrite(fd_.get(), bytes.data(), length, static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && direct && errno == EINVAL) {
      direct_allowed_ = false;
      continue;
    }
    if (put < 0) return Fail(errno, "writing", length);
    if (put == 0) return Fail(EIO, "writing", length);
    size_ += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return OkStatus();
}

Status PosixWritableFile::Sync() {
  VARVE_RETURN_IF_ERROR(failed_);
  // Not repeated after EINTR either: what it reported once it does not report again.
  if (fdatasync(fd_.get()) != 0) return Fail(errno, "syncing; file of", size_);
  return OkStatus();
}

}  // namespace

std::unique_ptr<WritableFile> NewPosixWritableFile(FileDescriptor fd, std::string path) {
  return std::make_unique<PosixWritableFile>(std::move(fd), std::move(path));
}

}  // namespace varve
