#include "io/block_reader.h"

#include "base/limits.h"
#include "io/pread_block_reader.h"
#include "io/uring_block_reader.h"

namespace varve {

Result<std::unique_ptr<BlockReader>> NewBlockReader(int direct_fd, int buffered_fd,
                                                    std::string name, uint64_t size_bytes,
                                                    const BlockReaderOptions& options) {
  if (options.slots == 0 || options.slot_bytes == 0) {
    return InvalidArgument(name + ": a block reader without slots");
  }
  VolumeFile file{.direct_fd = direct_fd, .buffered_fd = buffered_fd, .name = std::move(name)};
  // Through the page cache io_uring has nothing to offer: the read is a copy by some thread.
  if (direct_fd >= 0 && !options.force_pread) {
    auto reader = NewUringBlockReader(file, size_bytes, options);
    if (reader.ok()) return reader;
  }
  return NewPreadBlockReader(std::move(file), size_bytes, options);
}

Status CheckBlockRuns(const std::string& name, uint64_t volume_bytes, size_t slot_bytes,
                      std::span<const BlockRun> runs) {
  VARVE_CHECK(!runs.empty());
  const uint64_t first = runs.front().offset;
  uint64_t previous_end = first;
  for (const auto& [offset, length] : runs) {
    const bool inside = offset <= volume_bytes && length <= volume_bytes - offset;
    const bool at_end = inside && offset + length == volume_bytes;
    const bool fits = inside && offset >= previous_end && offset + length - first <= slot_bytes;
    if (!fits || offset % kDirectAlignment != 0 || (length % kDirectAlignment != 0 && !at_end)) {
      return InvalidArgument(name + ": cannot read " + std::to_string(length) +
                             " bytes at offset " + std::to_string(offset) + " of " +
                             std::to_string(volume_bytes) + " in slots of " +
                             std::to_string(slot_bytes));
    }
    previous_end = offset + length;
  }
  return OkStatus();
}

}  // namespace varve
