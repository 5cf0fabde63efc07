// WritableFile on a descriptor. Large aligned pieces go O_DIRECT straight from the caller's memory
// (a pack is written once and not read back soon: the page cache has better uses); what is small or
// ragged goes through the page cache, so no staging copy and no truncation is needed.
#pragma once

#include <memory>
#include <string>

#include "io/disk.h"
#include "io/file_descriptor.h"

namespace varve {

// `fd` is open for writing and empty. `path` is for messages.
std::unique_ptr<WritableFile> NewPosixWritableFile(FileDescriptor fd, std::string path);

}  // namespace varve
