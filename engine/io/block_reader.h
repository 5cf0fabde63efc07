// Reads ranges of a volume, several in flight: io_uring + O_DIRECT, and a pread twin for kernels,
// file systems and tests that refuse those.
//
// Usage: Start(slot, ...) for up to `slots` ranges, then Wait(slot) for each. The memory of a slot
// belongs to the kernel between Start and Wait; after Wait its bytes stay valid until the next
// Start of the same slot. One thread.
// Errors: Io with errno and the exact volume offset (EIO of a sector fails the range; nothing is
// ever replaced by zeros, R10); a file that became shorter is Io naming offset and length.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

// A run of bytes of a volume.
struct BlockRun {
  uint64_t offset = 0;
  size_t length = 0;
};

class BlockReader {
 public:
  virtual ~BlockReader() = default;
  // Begins to read `length` bytes at `offset`; offset is a multiple of 4 KiB, length is at most the
  // slot size and may be ragged only at the end of the volume.
  virtual Status Start(size_t slot, uint64_t offset, size_t length) = 0;
  // Begins to read several runs, ascending and disjoint, into one slot, where each lies as far from
  // the first as it does in the volume; what lies between them is anything. Each run is as Start
  // wants it. At least one, at most `runs_max`.
  virtual Status StartRuns(size_t slot, std::span<const BlockRun> runs) {
    return Start(slot, runs.front().offset,
                 runs.back().offset + runs.back().length - runs.front().offset);
  }
  // Waits for the slot's range and returns it: exactly `length` bytes, or from the begin of the
  // first run to the end of the last.
  virtual Result<ByteSpan> Wait(size_t slot) = 0;
  // "io_uring" or "pread", for reports.
  virtual std::string Name() const = 0;
};

struct BlockReaderOptions {
  size_t slots = 2;
  size_t slot_bytes = 4 << 20;
  size_t runs_max = 1;
  // Forces the twin without io_uring (TSan and strace cannot see into the ring).
  bool force_pread = false;
};

// `direct_fd` is open with O_DIRECT or is -1 where that is refused; `buffered_fd` is the same file
// without it (ragged tails are read there). Both borrowed, outliving the reader. `name` is for
// messages; `size_bytes` is the volume's size. Falls back from io_uring to pread by itself.
Result<std::unique_ptr<BlockReader>> NewBlockReader(int direct_fd, int buffered_fd,
                                                    std::string name, uint64_t size_bytes,
                                                    const BlockReaderOptions& options);

}  // namespace varve
