// A snapshot as a VolumeView, read-only: the one read port for mounts, ranges and drills.
//
// Thread-safe. Decoded chunks are cached by id within a bound; when several threads want the same
// missing chunk, one reads it and the others wait. Chunks of one read that are missing together
// are loaded together. Who reads sequentially is noticed, and what comes next is loaded by other
// threads meanwhile. No byte is handed out that was not verified, and an error is never cached and
// never turned into zeros (R5, R10).
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
#include "restore/read_ahead_pool.h"
#include "restore/sequential_detector.h"
#include "restore/volume_view.h"
#include "tree/tree_reader.h"

namespace varve {

// What the readers of one repository share: memory for decoded chunks, and threads.
struct SharedReading {
  explicit SharedReading(size_t cache_bytes);
  ChunkCache cache;
  ReadAheadPool pool;
};

class SnapshotReader : public VolumeView {
 public:
  // The repository is borrowed.
  static Result<std::unique_ptr<SnapshotReader>> Open(Repository& repository,
                                                      const SnapshotRecord& record,
                                                      std::shared_ptr<SharedReading> shared);
  // With a cache of its own.
  static Result<std::unique_ptr<SnapshotReader>> Open(Repository& repository,
                                                      const SnapshotRecord& record,
                                                      size_t cache_bytes);
  ~SnapshotReader() override;

  const SnapshotRecord& record() const { return record_; }

  uint64_t size_bytes() const override { return record_.size_bytes; }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override;
  // At chunk granularity.
  Result<ViewExtent> NextExtent(uint64_t offset) override;
  // How much of the volume is not zeros, in whole chunks. Reads the root of the tree.
  Result<uint64_t> DataBytes();

 private:
  // One chunk of a range that is being read.
  struct Piece {
    uint64_t index = 0;
    ChunkRef chunk;
    bool mine = false;         // we load it
    ChunkCache::Chunk loaded;  // null for zeros, and until it is there
  };

  SnapshotReader(Repository& repository, Index& index, const SnapshotRecord& record,
                 std::shared_ptr<SharedReading> shared);

  Result<std::vector<Piece>> Plan(uint64_t offset, uint64_t length);
  Status Load(std::span<Piece> pieces);
  Status WaitFor(Piece& piece);
  void Copy(const Piece& piece, uint64_t offset, MutableByteSpan into) const;
  void NoteRead(uint64_t offset, uint64_t length);
  void LoadAhead(uint64_t offset, uint64_t length);
  Status Located(const Status& status, uint64_t index) const;

  Result<bool> IsData(uint64_t chunk_index);
  std::unique_ptr<ChunkLoader> TakeLoader();
  void ReturnLoader(std::unique_ptr<ChunkLoader> loader);

  Repository& repository_;
  Index& index_;
  const SnapshotRecord record_;
  const TreeGeometry geometry_;
  const std::shared_ptr<SharedReading> shared_;
  TreeReader tree_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ChunkLoader>> loaders_;  // guarded by mutex_; idle ones
  SequentialDetector detector_;                        // guarded by mutex_
};

}  // namespace varve
