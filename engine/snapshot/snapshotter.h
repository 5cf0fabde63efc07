// The write path: a volume becomes a snapshot.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/progress.h"
#include "base/status.h"
#include "codec/frame_codec.h"
#include "format/snapshot_record.h"
#include "repo/repository.h"
#include "volume/change_claim.h"
#include "volume/volume.h"

namespace varve {

struct SnapshotOptions {
  std::string volume_name;
  std::vector<std::pair<std::string, std::string>> tags;
  int compression_level = kCompressionLevelDefault;
  // Compare unchanged chunks by id, not only by fingerprint. Every tenth snapshot of a volume does
  // so unasked.
  bool audit = false;
  // What the caller knows about the volume while it is read. kFuzzy must be asked for: any other
  // class fails when the volume is seen to be written meanwhile.
  Consistency consistency = Consistency::kCrash;
  // Threads that read and compute; 0 means one per core, two when there is a parent.
  unsigned workers = 0;
  bool force_pread = false;
  // Packs are closed when they would grow beyond this; two leaves fit in any case.
  uint64_t chunk_pack_bytes = kDataPackTarget;
  uint64_t node_pack_bytes = kNodePackTarget;
  // The snapshot to compare with; the volume's latest if none is named.
  std::optional<SnapshotId> parent;
  // What a change source says has changed since the parent. Where it cannot be believed, or a
  // sample finds it wrong, the whole volume is scanned: the record and a notice say why.
  std::optional<ChangeClaim> changes;
  // Why there is no claim although one was asked for; recorded in the same way.
  std::string changes_refused;
  // The volume is a snapshot of another repository: its record, whose id, times, tags and story are
  // kept, with its origin filled in.
  std::optional<SnapshotRecord> copied;
};

struct SnapshotReport {
  SnapshotRecord record;
  bool audited = false;
  uint64_t audit_misses = 0;
  uint64_t bases_unreadable = 0;
  // Chunks and nodes that were unchanged but lost to the repository, and were stored again.
  uint64_t frames_lost = 0;
  uint64_t chunks_sampled = 0;  // read although the change source called them unchanged
  std::string reader;           // "io_uring" or "pread"
};

// Takes a snapshot. Thread-compatible; the repository is open for writing. When it returns a
// report, the snapshot is durable. When it fails, nothing is visible; packs that were finished stay
// and the next snapshot uses what is in them.
//
// Damage to what earlier snapshots stored fails nothing as long as the volume can be read: what
// cannot be read of the parent is as if there were no parent, and what is lost is stored again. The
// repository's notice and the record's fallback reason say so.
Result<SnapshotReport> TakeSnapshot(Repository& repository, const Volume& volume,
                                    const SnapshotOptions& options, Progress& progress);

}  // namespace varve
