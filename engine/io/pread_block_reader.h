// The twin of the io_uring reader: one pread at a time, made in Wait. For kernels and sandboxes
// without io_uring, for files without O_DIRECT, and for tests that watch system calls.
#pragma once

#include <memory>

#include "io/block_reader.h"
#include "io/pread_range.h"

namespace varve {

// Its contract is BlockReader's.
std::unique_ptr<BlockReader> NewPreadBlockReader(VolumeFile file, uint64_t size_bytes,
                                                 const BlockReaderOptions& options);

// InvalidArgument unless the runs are ones that BlockReader::StartRuns accepts.
Status CheckBlockRuns(const std::string& name, uint64_t volume_bytes, size_t slot_bytes,
                      std::span<const BlockRun> runs);

}  // namespace varve
