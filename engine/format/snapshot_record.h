// The record of a snapshot (FORMAT.md §4): what the root hash is the root of, and how it came to
// be. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

enum class Consistency : uint8_t { kApplication = 1, kFilesystem = 2, kCrash = 3, kFuzzy = 4 };

// "application", "filesystem", "crash" or "fuzzy".
std::string_view ConsistencyName(Consistency consistency);

struct SnapshotStatistics {
  uint64_t bytes_total = 0;     // size of the volume
  uint64_t bytes_read = 0;      // read from the volume
  uint64_t bytes_changed = 0;   // in chunks that differ from the parent
  uint64_t bytes_stored = 0;    // growth of the repository, this record included
  uint64_t bytes_metadata = 0;  // of these: everything but the stored bytes of chunks
  uint64_t chunks_total = 0;
  uint64_t chunks_changed = 0;       // changed = new + deduplicated + became zero
  uint64_t chunks_new = 0;           // stored by this snapshot
  uint64_t chunks_delta = 0;         // of these: as deltas
  uint64_t chunks_deduplicated = 0;  // changed, but already in the repository
  // What earlier snapshots had stored, if not in the parent: of any volume, duplicates counted each
  // time.
  uint64_t bytes_reused = 0;
};

// Where a copied snapshot was taken, and what its record says there.
struct SnapshotOrigin {
  RepositoryId repository;
  uint64_t sequence = 0;
  std::optional<SnapshotId> parent;
  std::optional<SnapshotId> predecessor;
  friend bool operator==(const SnapshotOrigin&, const SnapshotOrigin&) = default;
};

struct SnapshotRecord {
  SnapshotId id;
  std::string volume_name;
  std::string volume_identity;
  uint64_t size_bytes = 0;
  uint32_t chunk_size_bytes = 0;
  ContentId root;
  std::optional<SnapshotId> parent;
  uint64_t sequence = 0;
  std::optional<SnapshotId> predecessor;
  int64_t start_unix_ns = 0;
  int64_t end_unix_ns = 0;
  Consistency consistency = Consistency::kFuzzy;
  std::string capture = "none";
  std::string change_source = "scan";
  std::optional<std::string> fallback_reason;
  std::vector<std::pair<std::string, std::string>> tags;
  SnapshotStatistics statistics;
  std::optional<SnapshotOrigin> origin;  // none: taken here
};

// The record must be valid (names and tags within limits.h): the caller checked user input.
Bytes EncodeSnapshotRecord(const SnapshotRecord& record, const RepositoryId& repository);
// Corruption unless the object belongs to `repository` and to `id` (its file's name).
Result<SnapshotRecord> DecodeSnapshotRecord(const std::string& name, ByteSpan object,
                                            const RepositoryId& repository, const SnapshotId& id);

// The sequence that a damaged record seems to have, by its fields alone; 0 if none can be seen. A
// hint: nothing vouches for it.
uint64_t SalvageSequence(ByteSpan object);

}  // namespace varve
