// pread(2) of a whole range of a volume, and what both block readers say when it fails.
// Thread-safe: functions without state.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

// What is read: `buffered_fd` and `direct_fd` (O_DIRECT, or -1) are the same file. Borrowed.
struct VolumeFile {
  int direct_fd = -1;
  int buffered_fd = -1;
  std::string name;
};

// Reads at least `enough` bytes of `into` at `offset`, the first `done` of which are there already.
// With O_DIRECT first, if the file has it and `into` is aligned; what that refuses (EINVAL: a
// remainder that is not aligned) goes through the page cache.
// Errors: Io with the exact offset of the first sector that cannot be read; Io if the file ends.
Status ReadVolumeRange(const VolumeFile& file, uint64_t offset, MutableByteSpan into, size_t enough,
                       size_t done = 0);

// "/dev/x: reading 1048576 bytes at offset 4096: offset 8192: Input/output error". Reads the range
// again in small steps to find out where it begins to fail; `done` bytes of it were read.
Status ReadFailed(const VolumeFile& file, uint64_t offset, size_t length, size_t done,
                  int error_number);

// The file has become shorter than it was.
Status EndedEarly(const VolumeFile& file, uint64_t offset, size_t length, size_t done);

}  // namespace varve
