// What was written over a snapshot, kept on a Disk: a sparse data file, in which every block lies
// where it lies in the volume, and a durable map of the blocks that count. A block that is not in
// the map is not there, whatever the data file holds at its place.
//
// Order of durability: Sync makes the data durable first and then appends the new blocks to the
// map's log, so that no crash shows a block before its bytes. Blocks are only ever added. A log to
// which an append failed is never appended to again: the next Sync writes a new one with
// everything.
//
// After a crash: all that was written before the last Sync is there; what was written since is
// there or not, new blocks whole, blocks that were mapped before sector by sector, as on a disk.
// Errors: NoSpace harms only the write that meets it. A data file whose fdatasync failed is of no
// more use: every later write and Sync returns that first error; reads go on.
// Thread-safe, except that writes of overlapping blocks must be kept apart (OverlayView does).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "base/status.h"
#include "format/overlay_format.h"
#include "io/disk.h"
#include "io/storage.h"
#include "restore/block_map.h"

namespace varve {

class Overlay {
 public:
  // Continues the overlay on `disk` (borrowed), or begins one there if the directory is empty but
  // for `lock`. InvalidArgument, naming both, if it is an overlay of something else.
  static Result<std::unique_ptr<Overlay>> Open(Disk& disk, const OverlayBinding& binding);
  // What the overlay on a disk is an overlay of. NotFound if there is none.
  static Result<OverlayBinding> ReadBinding(Disk& disk);

  uint64_t size_bytes() const { return binding_.size_bytes; }
  uint64_t block_count() const { return block_count_; }

  struct Run {
    uint64_t end = 0;  // exclusive, in bytes, at most the volume's end
    bool is_mapped = false;
  };
  // The run that holds `offset`, from there to the next change.
  Run RunAt(uint64_t offset) const;
  // How many blocks are in it.
  uint64_t CountMapped() const;
  // All of it, ascending.
  std::vector<BlockRange> Mapped() const;

  // All blocks of the range are mapped.
  Status ReadAt(uint64_t offset, MutableByteSpan into) { return data_->ReadAt(offset, into); }
  // Blocks that are written only in part must be mapped already. They are all mapped afterwards.
  Status WriteAt(uint64_t offset, ByteSpan bytes);
  // The same, with zeros.
  Status Punch(uint64_t offset, uint64_t length);
  // What was written before the call is durable when it returns OK.
  Status Sync();

 private:
  struct Batch {
    std::vector<BlockRange> ranges;
    bool is_everything = false;  // the whole map, for a new log
  };

  Overlay(Disk& disk, const OverlayBinding& binding);
  Status LoadMap();
  Status FindLogs(std::vector<uint64_t>* generations);
  Status Writable() const;
  void Map(uint64_t offset, uint64_t length);
  Batch TakeUnsynced();
  Status AppendToLog(const Batch& batch);
  Status BeginLog(const std::vector<BlockRange>& everything);

  Storage storage_;
  const OverlayBinding binding_;
  const uint64_t block_count_;
  std::unique_ptr<UpdatableFile> data_;
  std::atomic<bool> dirty_{false};  // something was written since the last Sync began

  mutable std::shared_mutex mutex_;
  BlockMap map_;       // guarded by mutex_; all blocks that count
  BlockMap unsynced_;  // guarded by mutex_; those of them that no log holds
  Status failed_;      // guarded by mutex_; the data file's first failed sync

  // Held by Sync while it waits for the disk: who else wants to sync waits for the same.
  std::mutex sync_mutex_;
  std::unique_ptr<WritableFile> log_;  // guarded by sync_mutex_; null: the next Sync begins one
  uint64_t generation_ = 0;            // guarded by sync_mutex_; of the newest log
  uint64_t sequence_ = 0;              // guarded by sync_mutex_; of its next record
  uint64_t log_bytes_ = 0;             // guarded by sync_mutex_
  uint64_t log_bytes_max_ = 0;         // guarded by sync_mutex_; then a new one is shorter
};

}  // namespace varve
