// A snapshot as a VolumeView, read-only: the one read port for mounts, ranges and drills.
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
#include "restore/volume_view.h"
#include "tree/tree_reader.h"

namespace varve {

class SnapshotReader : public VolumeView {
 public:
  // The repository is borrowed. `cache_bytes` bounds the decoded chunks that are kept.
  static Result<std::unique_ptr<SnapshotReader>> Open(Repository& repository,
                                                      const SnapshotRecord& record,
                                                      size_t cache_bytes);

  const SnapshotRecord& record() const { return record_; }

  uint64_t size_bytes() const override { return record_.size_bytes; }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override;
  // At chunk granularity.
  Result<ViewExtent> NextExtent(uint64_t offset) override;

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
