// One pass over a volume, or over what may have changed of it: chunks and nodes become durable; the
// snapshot's record is the caller's (snapshotter.cc).
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "repo/repository.h"
#include "snapshot/candidate_chunks.h"
#include "snapshot/pack_stream.h"
#include "snapshot/snapshot_account.h"
#include "snapshot/snapshotter.h"

namespace varve {

// How it goes. All borrowed.
struct ScanPlan {
  const SnapshotRecord* parent = nullptr;       // null for a first snapshot
  const CandidateChunks* candidates = nullptr;  // null: all is read
  // Nothing is known about the parent's chunks but their names.
  bool prove = false;
  bool audit = false;
  // What is unchanged counts as found stored: it is another volume's. Only with `prove`.
  bool foreign_parent = false;
  SnapshotAccount* account = nullptr;
};

// What it found and stored.
struct Scan {
  NodeRef root;
  PackStreamTotals chunk_totals;
  PackStreamTotals node_totals;
  uint64_t bytes_read = 0;
  uint64_t chunks_changed = 0;
  uint64_t chunks_deduplicated = 0;
  uint64_t audit_misses = 0;
  uint64_t bases_unreadable = 0;
  uint64_t frames_lost = 0;
  uint64_t sample_misses = 0;  // there is no root then
  Status parent_damage;        // what of the parent's tree could not be read
  std::string reader;
  bool trusted_all = true;  // all that the snapshot names was found usable, or is new

  bool met_damage() const { return !parent_damage.ok() || bases_unreadable > 0; }
};

// When it returns, all chunks and nodes of the volume's snapshot are durable.
Result<Scan> ScanVolume(Repository& repository, Index& index, const Volume& volume,
                        const SnapshotOptions& options, const ScanPlan& plan, Progress& progress);

// A second pass over the same volume: what the first one stored is this snapshot's, too.
void AddFirstPass(const Scan& first, Scan* scan);

SnapshotStatistics StatisticsOf(const Scan& scan, const TreeGeometry& geometry);

}  // namespace varve
