// Room on disk for what does not fit into memory: a file without a name, gone with the process.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve {

class SpillFile {
 public:
  // In $TMPDIR, or /var/tmp. Made at the first Append.
  SpillFile() = default;

  // Appends and answers where it begins.
  Result<uint64_t> Append(ByteSpan bytes);
  Status Read(uint64_t offset, MutableByteSpan into) const;
  uint64_t size_bytes() const { return size_; }

 private:
  Status Open();

  FileDescriptor fd_;
  uint64_t size_ = 0;
};

}  // namespace varve
