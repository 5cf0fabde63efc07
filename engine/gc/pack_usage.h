// What of each pack is alive.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "base/ids.h"
#include "base/progress.h"
#include "base/status.h"
#include "format/pack_format.h"
#include "gc/live_set.h"
#include "store/pack_reader.h"

namespace varve {

struct PackUsage {
  PackId id;
  PackContent content = PackContent::kChunks;
  uint64_t size_bytes = 0;
  bool condemned = false;
  // Its footer is whole. What cannot be judged is kept.
  bool judged = false;
  uint32_t frames = 0;
  uint32_t live_frames = 0;
  uint64_t live_bytes = 0;     // frames that are alive, with their headers
  uint64_t first_ordinal = 0;  // of its frames in the LiveSet

  uint64_t dead_bytes() const { return size_bytes - std::min(size_bytes, live_bytes); }
};

struct RepositoryUsage {
  std::vector<PackUsage> packs;  // sorted by id
  LiveSet::Judgement frames;     // by ordinal
  uint64_t bytes_total = 0;
};

// Judges the frames of `packs` by the references in `live`, to which it adds the bases of living
// deltas, and theirs, until nothing is added. Packs that vanished meanwhile are passed over.
Result<RepositoryUsage> JudgePacks(Storage& storage, const RepositoryId& repository,
                                   const std::vector<PackListing>& packs,
                                   const std::set<PackId>& condemned, LiveSet& live,
                                   Progress& progress);

}  // namespace varve
