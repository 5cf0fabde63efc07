// Copies snapshots into another repository: the second copy that a repair can use. Sends only what
// is missing there, verifies every byte on its way, and keeps id, times, tags and statistics; the
// copy's record tells where it is from.
//
// Two repositories that share their keys (`init --like`) know content by the same ids: subtrees
// that the target has already are skipped without being read, frames go over as they are stored.
// Otherwise the snapshot is read like a volume and snapshotted anew under the target's keys.
//
// Resumable: an interrupted copy leaves whole packs that the next one finds; a snapshot appears in
// the target with its record's rename, or not at all (R6).
#pragma once

#include <cstdint>

#include "base/progress.h"
#include "base/status.h"
#include "format/snapshot_record.h"
#include "repo/repository.h"

namespace varve {

struct CopyReport {
  SnapshotRecord record;   // as it is in the target
  bool was_there = false;  // nothing had to be done
  bool shared_ids = false;
  uint64_t chunks_sent = 0;   // chunks that the target did not have
  uint64_t chunks_known = 0;  // looked at, and there already
  uint64_t frames_as_stored =
      0;  // of these and of the nodes: went over without being encoded again
  uint64_t nodes_sent = 0;
  uint64_t bytes_read = 0;    // of the source's packs, or of its snapshot
  uint64_t bytes_stored = 0;  // growth of the target
};

// Thread-compatible. `target` is open for writing. Copy older snapshots first: each one is sent as
// what it differs in from the latest of its volume in the target.
Result<CopyReport> CopySnapshot(Repository& source, const SnapshotRecord& record,
                                Repository& target, Progress& progress);

}  // namespace varve
