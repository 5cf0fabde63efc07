// A restore that can be used before it is done: reads come from the target where it is filled and
// from the snapshot where it is not, writes go to the target, and a background fill brings the
// rest, what somebody waits for first.
//
// Until everything is there the target is an overlay in a directory beside it,
// TARGET.varve-<id>.filling: its data file becomes the target, by rename, when its map names every
// block and all of it is durable. So no half-filled target ever has the target's name, a crash
// loses nothing that was synced, and the same restore begun again goes on where it was.
//
// Thread-safe: the view is used by many threads while one of them fills.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/progress.h"
#include "base/status.h"
#include "restore/overlay_directory.h"

namespace varve {

class InstantRestore {
 public:
  // Begins or continues. AlreadyExists if there is a `target` (restored before, or foreign);
  // Busy if another process restores to it.
  static Result<std::unique_ptr<InstantRestore>> Open(const std::string& target,
                                                      const OverlayBinding& binding,
                                                      std::shared_ptr<VolumeView> snapshot);
  ~InstantRestore();

  // What a mount serves, while this lives.
  VolumeView& view() { return *view_; }
  // Bytes that were there already when this was opened.
  uint64_t bytes_found() const { return bytes_found_; }
  const std::string& directory() const { return directory_->path(); }

  // Fills until everything is there and durable, at `bytes_per_second` (0: as fast as it can);
  // what readers ask for meanwhile comes first and at once. Cancelled when `progress` says so; a
  // piece that cannot be had ends it with that piece's error. May be called again.
  Status Fill(uint64_t bytes_per_second, const Clock& clock, Progress& progress);

  // After a Fill that returned OK, and when nobody uses the view any more: makes everything durable
  // and gives the target its name.
  Status Finish();

 private:
  // Notes what is read before it is there.
  class FaultView;
  InstantRestore() = default;

  void NoteFault(uint64_t offset);
  Result<bool> FillFault();
  Status FillPiece(uint64_t* offset);
  // Sleeps for the rate, or until a fault comes.
  void WaitForRate(uint64_t bytes_per_second, const Clock& clock, int64_t start_ns,
                   const Progress& progress);
  uint64_t BytesThere() const;

  std::string target_;
  std::unique_ptr<OverlayDirectory> directory_;
  std::unique_ptr<VolumeView> view_;
  uint64_t bytes_found_ = 0;
  uint64_t bytes_paced_ = 0;     // filled in the background by this Fill; its thread's
  uint64_t bytes_unsynced_ = 0;  // filled since the last Sync; its thread's
  std::mutex mutex_;
  std::condition_variable fault_came_;
  std::deque<uint64_t> faults_;  // guarded by mutex_; offsets that were read, a bounded number
};

}  // namespace varve
