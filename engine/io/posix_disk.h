// Disk on a real directory, by openat(2) below one directory descriptor: no path leaves it.
// Files are written with O_DIRECT in large pieces where the file system allows it and are then
// truncated to their length; reads go through a bounded cache of open descriptors. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "io/disk.h"

namespace varve {

// Opens `directory`, which must exist. NotFound or Denied otherwise, naming it.
Result<std::unique_ptr<Disk>> OpenPosixDisk(const std::string& directory);

}  // namespace varve
