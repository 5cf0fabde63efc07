// The way back: a snapshot becomes a file or a device again.
#pragma once

#include <cstdint>
#include <string>

#include "base/progress.h"
#include "base/status.h"
#include "format/snapshot_record.h"
#include "io/block_writer.h"
#include "repo/repository.h"
#include "volume/volume.h"

namespace varve {

struct RestoreOptions {
  // Threads that read, decode and write; 0 means two per core, because half of them wait for a
  // disk.
  unsigned workers = 0;
  bool force_pread = false;
};

struct RestoreReport {
  uint64_t bytes_total = 0;     // size of the volume
  uint64_t bytes_read = 0;      // from the repository
  uint64_t bytes_compared = 0;  // read from the target
  uint64_t bytes_written = 0;   // data written to the target
  uint64_t bytes_zeroed = 0;    // made zero in the target
};

// Writes the snapshot's content to `writer`. `present` is what the target holds now, or null if it
// is known to be all zeros: only what differs from it is written. When this returns a report,
// everything was written and synced, and every chunk was verified against a tree whose nodes were
// verified up to the record's root. When it fails the target is half-made; running it again with
// the target as `present` finishes it. Thread-compatible.
Result<RestoreReport> RestoreSnapshot(Repository& repository, const SnapshotRecord& record,
                                      BlockWriter& writer, const Volume* present,
                                      const RestoreOptions& options, Progress& progress);

}  // namespace varve
