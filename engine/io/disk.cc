#include "io/disk.h"

#include <algorithm>

#include "base/limits.h"

namespace varve {

Status Disk::Allocate(const std::string& path, uint64_t size_bytes) {
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, Create(path));
  const Bytes zeros(std::min<uint64_t>(size_bytes, kMiB));
  for (uint64_t done = 0; done < size_bytes; done += zeros.size()) {
    VARVE_RETURN_IF_ERROR(
        file->Append(ByteSpan(zeros).first(std::min<uint64_t>(zeros.size(), size_bytes - done))));
  }
  return file->Sync();
}

}  // namespace varve
