// What the snapshots of one volume need of the packs, measured: for its quota. Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "format/quota_table.h"
#include "format/snapshot_record.h"
#include "repo/id_set.h"
#include "repo/repository.h"

namespace varve {

// Bytes of the frames, headers included, that these snapshots need, each once: chunks, nodes, and
// the bases of deltas. Walks their trees and reads the footers of all packs; memory is bounded.
Result<uint64_t> MeasureNeed(Repository& repository, const std::vector<SnapshotRecord>& snapshots,
                             Progress& progress);

// Before the records of `leaving` are removed: what the snapshots in `staying` need of each volume
// that loses one and has a quota. `records` are all of the repository. None, and a notice, while
// the quotas cannot be known.
Result<std::vector<VolumeQuota>> MeasureShrinkingVolumes(
    Repository& repository, const std::map<SnapshotId, SnapshotRecord>& records,
    const IdSet<SnapshotId>& staying, const IdSet<SnapshotId>& leaving, Progress& progress);

// Makes durable what was measured of the volumes that still have a quota. Only while holding the
// commit lock.
Status KeepMeasured(Repository& repository, const std::vector<VolumeQuota>& measured);

}  // namespace varve
