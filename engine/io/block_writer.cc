#include "io/block_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/limits.h"
#include "io/aligned_buffer.h"

namespace varve {
namespace {

class FileBlockWriter : public BlockWriter {
 public:
  FileBlockWriter(int fd, int direct_fd, std::string name)
      : fd_(fd), direct_fd_(direct_fd), name_(std::move(name)) {
    struct stat attributes {};
    is_device_ = fstat(fd, &attributes) == 0 && S_ISBLK(attributes.st_mode);
  }

  Status Write(uint64_t offset, ByteSpan bytes) override;
  Status WriteZeros(uint64_t offset, uint64_t length) override;
  Status Sync() override;

 private:
  Status Poisoned() {
    const std::lock_guard lock(mutex_);
    return poisoned_;
  }
  // Keeps the first failure and returns it.
  Status Poison(Status failure);
  Status Fail(int error_number, const char* what, uint64_t offset, uint64_t length);

  // These return 0 or errno; the first also tells the offset at which it failed.
  int WriteAll(uint64_t offset, ByteSpan bytes, uint64_t* failed_at);
  int WriteRealZeros(uint64_t offset, uint64_t length);
  int ZeroDevice(uint64_t offset, uint64_t length);
  int ZeroFile(uint64_t offset, uint64_t length);

  const int fd_;
  const int direct_fd_;
  const std::string name_;
  bool is_device_ = false;
  std::mutex mutex_;
  Status poisoned_;  // guarded by mutex_
};

Status FileBlockWriter::Poison(Status failure) {
  const std::lock_guard lock(mutex_);
  if (poisoned_.ok()) poisoned_ = std::move(failure);
  return poisoned_;
}

Status FileBlockWriter::Fail(int error_number, const char* what, uint64_t offset, uint64_t length) {
  return Poison(Status::FromErrno(error_number, name_ + ": " + what + " " + std::to_string(length) +
                                                    " bytes at offset " + std::to_string(offset)));
}

int FileBlockWriter::WriteAll(uint64_t offset, ByteSpan bytes, uint64_t* failed_at) {
  bool direct_allowed = direct_fd_ >= 0;
  while (!bytes.empty()) {
    const uint64_t misfit = offset | bytes.size() | reinterpret_cast<uintptr_t>(bytes.data());
    const bool direct = direct_allowed && misfit % kDirectAlignment == 0;
    const ssize_t put =
        pwrite(direct ? direct_fd_ : fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    *failed_at = offset;
    if (put > 0) {
      offset += static_cast<uint64_t>(put);
      bytes = bytes.subspan(static_cast<size_t>(put));
    } else if (put < 0 && direct && errno == EINVAL) {
      direct_allowed = false;
    } else if (put == 0) {
      return ENOSPC;  // the end of a device
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Status FileBlockWriter::Write(uint64_t offset, ByteSpan bytes) {
  VARVE_RETURN_IF_ERROR(Poisoned());
  uint64_t failed_at = offset;
  const int error = WriteAll(offset, bytes, &failed_at);
  if (error == 0) return OkStatus();
  return Fail(error, "writing", failed_at, offset + bytes.size() - failed_at);
}

int FileBlockWriter::WriteRealZeros(uint64_t offset, uint64_t length) {
  AlignedBuffer zeros(std::min(length, kReadSize));
  while (length > 0) {
    const uint64_t piece = std::min<uint64_t>(length, zeros.size());
    uint64_t failed_at = 0;
    const int error = WriteAll(offset, zeros.span().first(piece), &failed_at);
    if (error != 0) return error;
    offset += piece;
    length -= piece;
  }
  return 0;
}

int FileBlockWriter::ZeroDevice(uint64_t offset, uint64_t length) {
  // BLKZEROOUT promises zeros, unlike a discard; it takes whole sectors only.
  const uint64_t begin = std::min(RoundUp(offset, kDirectAlignment), offset + length);
  const uint64_t end = std::max(RoundDown(offset + length, kDirectAlignment), begin);
  if (begin < end) {
    uint64_t range[2] = {begin, end - begin};
    if (ioctl(fd_, BLKZEROOUT, range) != 0) {
      if (errno == EIO || errno == ENOSPC) return errno;
      return WriteRealZeros(offset, length);
    }
  }
  if (const int error = WriteRealZeros(offset, begin - offset); error != 0) return error;
  return WriteRealZeros(end, offset + length - end);
}

int FileBlockWriter::ZeroFile(uint64_t offset, uint64_t length) {
  const uint64_t end = offset + length;
  int punched = -1;
  do {
    punched = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                        static_cast<off_t>(length));
  } while (punched != 0 && errno == EINTR);
  if (punched != 0) {
    if (errno == EIO || errno == ENOSPC) return errno;
    return WriteRealZeros(offset, length);
  }
  // A hole does not make a file longer. One byte at its end does, and unlike ftruncate it cannot
  // cut off what another thread has written behind it meanwhile.
  struct stat attributes {};
  if (fstat(fd_, &attributes) != 0) return errno;
  if (static_cast<uint64_t>(attributes.st_size) >= end) return 0;
  return WriteRealZeros(end - 1, 1);
}

Status FileBlockWriter::WriteZeros(uint64_t offset, uint64_t length) {
  VARVE_RETURN_IF_ERROR(Poisoned());
  if (length == 0) return OkStatus();
  const int error = is_device_ ? ZeroDevice(offset, length) : ZeroFile(offset, length);
  if (error != 0) return Fail(error, "zeroing", offset, length);
  return OkStatus();
}

Status FileBlockWriter::Sync() {
  VARVE_RETURN_IF_ERROR(Poisoned());
  // What went through `direct_fd_` needs it too: for the metadata, and for the drive's cache.
  if (fdatasync(fd_) == 0) return OkStatus();
  return Poison(Status::FromErrno(errno, name_ + ": syncing"));
}

}  // namespace

std::unique_ptr<BlockWriter> NewBlockWriter(int fd, int direct_fd, std::string name) {
  return std::make_unique<FileBlockWriter>(fd, direct_fd, std::move(name));
}

}  // namespace varve
