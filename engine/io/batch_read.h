// Many reads at once through io_uring, each thread with a ring of its own, or one after the other
// where there is none. Thread-safe.
#pragma once

#include <span>
#include <string>

#include "io/disk.h"

namespace varve {

// Reads requests[i] from fds[i]. The failure of the first request that failed, in their order; no
// memory of theirs is in use any more when it returns. `direct`: the descriptors are open with
// O_DIRECT and all requests are padded; whole blocks are read then.
Status ReadBatch(std::span<const int> fds, std::span<ReadRequest> requests, bool direct = false);

// Reads exactly into.size() bytes; a file that ends before is Corruption naming both numbers.
Status ReadExactly(int fd, const std::string& path, uint64_t offset, MutableByteSpan into);

}  // namespace varve
