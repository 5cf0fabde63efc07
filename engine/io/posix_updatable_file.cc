#include "io/posix_updatable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"

namespace varve {
namespace {

class PosixUpdatableFile : public UpdatableFile {
 public:
  PosixUpdatableFile(FileDescriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    while (!into.empty()) {
      const ssize_t got = pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed("reading", offset, into.size());
      if (got == 0) {
        std::fill(into.begin(), into.end(), uint8_t{0});
        return OkStatus();
      }
      offset += static_cast<uint64_t>(got);
      into = into.subspan(static_cast<size_t>(got));
    }
    return OkStatus();
  }

  Status WriteAt(uint64_t offset, ByteSpan bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Failed("writing", offset, bytes.size());
      offset += static_cast<uint64_t>(put);
      bytes = bytes.subspan(static_cast<size_t>(put));
    }
    return OkStatus();
  }

  Status Punch(uint64_t offset, uint64_t length) override {
    if (fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) == 0) {
      return OkStatus();
    }
    if (errno != EOPNOTSUPP) return Failed("punching", offset, length);
    const Bytes zeros(std::min<uint64_t>(length, kMiB));
    while (length > 0) {
      const size_t piece = std::min<uint64_t>(length, zeros.size());
      VARVE_RETURN_IF_ERROR(WriteAt(offset, ByteSpan(zeros).first(piece)));
      offset += piece;
      length -= piece;
    }
    return OkStatus();
  }

  Status Sync() override {
    if (fdatasync(fd_.get()) == 0) return OkStatus();
    return Status::FromErrno(errno, path_ + ": syncing");
  }

 private:
  Status Failed(const char* what, uint64_t offset, uint64_t length) const {
    return Status::FromErrno(errno, path_ + ": " + what + " " + std::to_string(length) +
                                        " bytes at offset " + std::to_string(offset));
  }

  const FileDescriptor fd_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<UpdatableFile>> NewPosixUpdatableFile(FileDescriptor fd, std::string path,
                                                             uint64_t size_bytes) {
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return Status::FromErrno(errno, path + ": opening");
  if (static_cast<uint64_t>(info.st_size) < size_bytes &&
      ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) {
    return Status::FromErrno(errno,
                             path + ": making it " + std::to_string(size_bytes) + " bytes long");
  }
  return std::unique_ptr<UpdatableFile>(
      std::make_unique<PosixUpdatableFile>(std::move(fd), std::move(path)));
}

}  // namespace varve
