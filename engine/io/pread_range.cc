#include "io/pread_range.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "io/aligned_buffer.h"

namespace varve {
namespace {

// Of <linux/fs.h> since 6.14; too new for the headers this must build with.
constexpr int kUncached = 0x00000080;  // RWF_DONTCACHE

// pread that leaves no new pages in the page cache where the kernel can (the database's own pages
// are worth more than ours).
ssize_t PreadUncached(int fd, uint8_t* to, size_t length, uint64_t offset) {
  const iovec vector{to, length};
  const ssize_t got = preadv2(fd, &vector, 1, static_cast<off_t>(offset), kUncached);
  if (got >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return got;
  return pread(fd, to, length, static_cast<off_t>(offset));
}

std::string Describe(const VolumeFile& file, uint64_t offset, size_t length) {
  return file.name + ": reading " + std::to_string(length) + " bytes at offset " +
         std::to_string(offset);
}

// The first offset of [from, to) that cannot be read now; `from` if all of it can (an error that
// does not come back is still an error of this read).
uint64_t LocateFailure(const VolumeFile& file, uint64_t from, uint64_t to) {
  AlignedBuffer scratch(kDirectAlignment);
  const int fd = file.direct_fd >= 0 ? file.direct_fd : file.buffered_fd;
  for (uint64_t at = RoundDown(from, kDirectAlignment); at < to; at += kDirectAlignment) {
    const ssize_t got = pread(fd, scratch.data(), scratch.size(), static_cast<off_t>(at));
    if (got < 0 && errno != EINVAL && errno != EINTR) return std::max(at, from);
  }
  return from;
}

}  // namespace

Status ReadFailed(const VolumeFile& file, uint64_t offset, size_t length, size_t done,
                  int error_number) {
  uint64_t at = offset + done;
  if (error_number == EIO) at = LocateFailure(file, at, offset + length);
  return Status::FromErrno(error_number,
                           Describe(file, offset, length) + ": offset " + std::to_string(at));
}

Status EndedEarly(const VolumeFile& file, uint64_t offset, size_t length, size_t done) {
  return Status(Code::kIo, Describe(file, offset, length) + ": the file ends at " +
                               std::to_string(offset + done) + " now");
}

Status ReadVolumeRange(const VolumeFile& file, uint64_t offset, MutableByteSpan into, size_t enough,
                       size_t done) {
  bool direct =
      file.direct_fd >= 0 && reinterpret_cast<uintptr_t>(into.data()) % kDirectAlignment == 0;
  while (done < enough) {
    direct =
        direct && (offset + done) % kDirectAlignment == 0 && into.size() % kDirectAlignment == 0;
    uint8_t* const to = into.data() + done;
    // Through the page cache only what is wanted: no page beyond the end is asked for.
    const ssize_t got =
        direct ? pread(file.direct_fd, to, into.size() - done, static_cast<off_t>(offset + done))
               : PreadUncached(file.buffered_fd, to, enough - done, offset + done);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0) {
      return EndedEarly(file, offset, enough, done);
    } else if (direct && errno == EINVAL) {
      direct = false;
    } else if (errno != EINTR) {
      return ReadFailed(file, offset, enough, done, errno);
    }
  }
  return OkStatus();
}

}  // namespace varve
