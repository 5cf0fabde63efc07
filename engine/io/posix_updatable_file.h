// UpdatableFile on a real file, through the page cache. Its contract is UpdatableFile's.
#pragma once

#include <memory>
#include <string>

#include "io/disk.h"
#include "io/file_descriptor.h"

namespace varve {

// `fd` is open for reading and writing. `path` is for messages.
Result<std::unique_ptr<UpdatableFile>> NewPosixUpdatableFile(FileDescriptor fd, std::string path,
                                                             uint64_t size_bytes);

}  // namespace varve
