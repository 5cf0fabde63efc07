// What a change source says: "since that snapshot, nothing outside of these bytes of the volume
// has changed" (engine.md, "What may have changed"). It may name too much, never too little (R8),
// and it is worth nothing for any other parent, volume or size: whoever uses it checks that first.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "volume/extent_set.h"

namespace varve {

struct ChangeClaim {
  std::string source;  // as the snapshot's record shall name it: "map file", "overlay"
  SnapshotId parent;
  std::string volume_name;
  uint64_t size_bytes = 0;
  ExtentSet may_have_changed;  // bytes of the volume
  // Tracked by varve itself, on the only way to the bytes: no sample of the rest is read.
  bool own = false;
};

}  // namespace varve
