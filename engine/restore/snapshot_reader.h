// A snapshot as random-access bytes: the one read port for mounts, ranges and drills.
//
// Thread-safe. Decoded chunks are cached by id within a bound; when several threads want the same
// missing chunk, one reads it and the others wait. No byte is handed out that was not verified, and
// an error is never cached and never turned into zeros (R5, R10).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "format/snapshot_record.h"
#include "repo/repository.h"
#include "restore/chunk_cache.h"
#include "restore/chunk_loader.h"
#include "tree/tree_reader.h"

namespace varve {

struct SnapshotExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
  bool is_data = false;
};

class SnapshotReader {
 public:
  // The repository is borrowed. `cache_bytes` bounds the decoded chunks that are kept.
  static Result<std::unique_ptr<SnapshotReader>> Open(Repository& repository,
                                                      const SnapshotRecord& record,
                                                      size_t cache_bytes);

  uint64_t size_bytes() const { return record_.size_bytes; }
  const SnapshotRecord& record() const { return record_; }

  // Fills `into` from `offset`; the range lies within the volume (InvalidArgument otherwise).
  // Corruption or Io name the volume range and the object when a chunk cannot be had.
  Status ReadAt(uint64_t offset, MutableByteSpan into);
  // The extent that holds `offset`, to the next change between data and zeros (at chunk
  // granularity). InvalidArgument at or past the end.
  Result<SnapshotExtent> NextExtent(uint64_t offset);

 private:
  SnapshotReader(Repository& repository, Index& index, const SnapshotRecord& record,
                 size_t cache_bytes);

  Result<bool> IsData(uint64_t chunk_index);
  std::unique_ptr<ChunkLoader> TakeLoader();
  void ReturnLoader(std::unique_ptr<ChunkLoader> loader);

  Repository& repository_;
  Index& index_;
  const SnapshotRecord record_;
  const TreeGeometry geometry_;
  TreeReader tree_;
  ChunkCache cache_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ChunkLoader>> loaders_;  // guarded by mutex_; idle ones
};

}  // namespace varve
