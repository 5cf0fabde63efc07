// Takes frames from all workers, fills packs with them and publishes each full pack in the
// background: durable first, then in the index. So an interrupted snapshot leaves packs that the
// next one finds and uses. Thread-safe.
//
// The first error poisons the stream: every later call returns it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/random.h"
#include "base/status.h"
#include "io/storage.h"
#include "snapshot/pending_ids.h"
#include "snapshot/snapshot_account.h"
#include "store/frame_writer.h"
#include "store/index.h"
#include "store/pack_writer.h"

namespace varve {

struct PackStreamOptions {
  PackContent content = PackContent::kChunks;
  RepositoryId repository;
  size_t pack_bytes_max = 0;           // at least one batch, footer and trailer
  SnapshotAccount* account = nullptr;  // borrowed; told of every pack before it is published
};

struct PackStreamTotals {
  uint64_t bytes = 0;          // of whole packs
  uint64_t payload_bytes = 0;  // of these: stored bytes of frames
  uint64_t frames = 0;
  uint64_t deltas = 0;

  PackStreamTotals& operator+=(const PackStreamTotals& other) {
    bytes += other.bytes;
    payload_bytes += other.payload_bytes;
    frames += other.frames;
    deltas += other.deltas;
    return *this;
  }
};

class PackStream {
 public:
  // All borrowed.
  PackStream(Storage& storage, Index& index, PendingIds& pending, Random& random,
             const PackStreamOptions& options);
  // Stops without publishing what is not full yet.
  ~PackStream();

  Status Append(const FrameBatch& batch);
  // Publishes the last pack, waits for all and returns the totals.
  Result<PackStreamTotals> Finish();

 private:
  // One pack that is filled, one on its way, one being written: memory stays bounded.
  static constexpr size_t kPacks = 3;

  Status SealLocked(std::unique_lock<std::mutex>& lock);
  std::unique_ptr<PackWriter> TakeFreePack(std::unique_lock<std::mutex>& lock);
  void PublishLoop();
  Status PublishOne(PackWriter& pack);

  Storage& storage_;
  Index& index_;
  PendingIds& pending_;
  Random& random_;
  const PackStreamOptions options_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::unique_ptr<PackWriter> filling_;            // guarded by mutex_
  std::vector<std::unique_ptr<PackWriter>> free_;  // guarded by mutex_
  size_t allocated_ = 0;                           // guarded by mutex_
  Status first_error_;                             // guarded by mutex_
  PackStreamTotals totals_;                        // guarded by mutex_
  BoundedQueue<std::unique_ptr<PackWriter>> sealed_;
  std::thread publisher_;
};

}  // namespace varve
