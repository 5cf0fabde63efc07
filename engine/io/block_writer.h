// Writes a restore target: a file or a block device. Thread-safe for disjoint ranges, except Sync.
// Errors name the target and the offset: NoSpace, Io. After the first error every later call
// returns it (the writer is poisoned); a failed Sync is never repeated.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

class BlockWriter {
 public:
  virtual ~BlockWriter() = default;
  // Writes all bytes. 4 KiB-aligned address, offset and length go O_DIRECT, others through the
  // page cache.
  virtual Status Write(uint64_t offset, ByteSpan bytes) = 0;
  // Makes the range read as zeros: punches a hole, or BLKZEROOUT on a device, or writes zeros
  // where neither is possible. Never by leaving what is there.
  virtual Status WriteZeros(uint64_t offset, uint64_t length) = 0;
  // Everything written before is durable after it.
  virtual Status Sync() = 0;
};

// `fd` is an open, writable file or device, borrowed; `direct_fd` the same with O_DIRECT, or -1.
std::unique_ptr<BlockWriter> NewBlockWriter(int fd, int direct_fd, std::string name);

}  // namespace varve
