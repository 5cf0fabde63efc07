// Reads a volume through io_uring with O_DIRECT: each range in requests of 1 MiB, all in flight at
// once, with the file and the slots' memory registered where the kernel allows it.
#pragma once

#include <memory>

#include "io/block_reader.h"
#include "io/pread_range.h"

namespace varve {

// Its contract is BlockReader's. Fails where there is no io_uring; file.direct_fd must be open.
Result<std::unique_ptr<BlockReader>> NewUringBlockReader(const VolumeFile& file,
                                                         uint64_t size_bytes,
                                                         const BlockReaderOptions& options);

}  // namespace varve
