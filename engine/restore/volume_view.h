// A volume as random-access bytes, whatever stands behind it: a snapshot (SnapshotReader), or a
// snapshot with an overlay of what was written since. Mounts serve this and know nothing else.
//
// Thread-safe, all of it: many reads and writes run at once. Reads and writes that overlap in time
// and place see each chunk either before or after, as on a disk.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

// A run of a volume that holds data or is known to be zeros, whole.
struct ViewExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
  bool is_data = false;
};

class VolumeView {
 public:
  virtual ~VolumeView() = default;

  // Never changes.
  virtual uint64_t size_bytes() const = 0;

  // Fills `into` from `offset`; the range lies within the volume (InvalidArgument otherwise).
  // A failure names the range of the volume and the object; `into` is of no use then.
  virtual Status ReadAt(uint64_t offset, MutableByteSpan into) = 0;
  // The run that holds `offset`, from there to the next change between data and zeros. Data may be
  // reported where there are zeros, never the other way. InvalidArgument at or past the end.
  virtual Result<ViewExtent> NextExtent(uint64_t offset) = 0;

  // Whether the rest below does anything but refuse.
  virtual bool writable() const { return false; }
  // Writes all of `from`, within the volume (InvalidArgument otherwise), or fails; after a failure
  // the range holds old or new bytes, sector by sector. NoSpace when what holds the writes is full.
  // Seen by every ReadAt that begins after it returned; durable after Sync.
  virtual Status WriteAt(uint64_t offset, ByteSpan from);
  // The range reads as zeros afterwards. Like WriteAt in all else.
  virtual Status Punch(uint64_t offset, uint64_t length);
  // Everything that was written before the call is durable when it returns OK.
  virtual Status Sync();

 protected:
  // InvalidArgument unless [offset, offset + length) lies within the volume.
  Status CheckRange(uint64_t offset, uint64_t length) const;
};

}  // namespace varve
