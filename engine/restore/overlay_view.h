// A snapshot that can be written: reads come from the overlay where it has the block and from the
// snapshot where it has not, writes go to the overlay. The snapshot is never changed.
// Its contract is VolumeView's. Thread-safe.
#pragma once

#include <map>
#include <mutex>

#include "base/status.h"
#include "restore/overlay.h"
#include "restore/range_gate.h"
#include "restore/volume_view.h"

namespace varve {

class OverlayView : public VolumeView {
 public:
  // Both borrowed, of the same size.
  OverlayView(VolumeView& snapshot, Overlay& overlay);

  uint64_t size_bytes() const override { return overlay_.size_bytes(); }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override;
  // What is in the overlay counts as data.
  Result<ViewExtent> NextExtent(uint64_t offset) override;
  bool writable() const override { return true; }
  Status WriteAt(uint64_t offset, ByteSpan from) override;
  Status Punch(uint64_t offset, uint64_t length) override;
  Status Sync() override { return overlay_.Sync(); }

  // Goes on at `offset` with copying the snapshot into the overlay: a run that the overlay has
  // already is passed over, a run of zeros is taken whole, of a run of data at most `length_max`
  // bytes (whole blocks). Where to go on. What is written meanwhile stays as it was written.
  Result<uint64_t> FillPiece(uint64_t offset, uint64_t length_max);

 private:
  // The range, rounded out to blocks, is the caller's alone.
  RangeGate::Pass Enter(uint64_t offset, uint64_t length);
  Status WriteInGate(uint64_t offset, ByteSpan from);
  // Writes less than a block into one block.
  Status WritePart(uint64_t offset, ByteSpan from);
  Status PunchInGate(uint64_t offset, uint64_t length);
  // The snapshot's extent from `offset` on. It takes a walk over the extent to find out, so the
  // latest ones are remembered.
  Result<ViewExtent> SnapshotExtent(uint64_t offset);

  VolumeView& snapshot_;
  Overlay& overlay_;
  RangeGate gate_;
  std::mutex mutex_;
  std::map<uint64_t, ViewExtent> extents_;  // guarded by mutex_; by their end, a few
};

}  // namespace varve
