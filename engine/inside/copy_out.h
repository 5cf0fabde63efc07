// Copies files out of an ext file system into a directory of this machine. Nothing is ever written
// outside of it and nothing that exists is replaced, whatever the file system says: every step
// starts from an open directory, makes new names only and follows no link.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/progress.h"
#include "base/status.h"
#include "inside/ext_file_system.h"

namespace varve {

struct CopyOutReport {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t links = 0;
  uint64_t bytes = 0;    // of data; holes stay holes
  uint64_t skipped = 0;  // told to `warn`
};

// Copies `source` to the new name `target`, a directory with all that is in it. Permissions and
// times come along, owners do not; links are copied as links. What cannot be copied (devices,
// damaged files, loops) is left out, told to `warn` and counted; only what concerns the target or
// the whole fails. AlreadyExists if the target does.
Result<CopyOutReport> CopyOut(ExtFileSystem& file_system, const InsideFile& source,
                              const std::string& target, Progress& progress,
                              const std::function<void(const std::string&)>& warn);

}  // namespace varve
