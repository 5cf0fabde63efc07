// What all workers of one snapshot share. All of it thread-safe; all borrowed by the workers.
#pragma once

#include <atomic>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "snapshot/leaf_scheduler.h"
#include "snapshot/pack_stream.h"
#include "snapshot/pending_ids.h"
#include "snapshot/snapshot_account.h"
#include "snapshot/tree_assembly.h"
#include "store/index.h"
#include "tree/older_tree.h"

namespace varve {

struct SnapshotCounters {
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> chunks_changed{0};
  std::atomic<uint64_t> chunks_deduplicated{0};
  // Chunks whose fingerprint said "unchanged" and whose id said otherwise (--audit).
  std::atomic<uint64_t> audit_misses{0};
  // Chunks that the change source called unchanged and that a sample found changed.
  std::atomic<uint64_t> sample_misses{0};
  // Bases that could not be read; their chunks were stored whole.
  std::atomic<uint64_t> bases_unreadable{0};
  // Unchanged chunks and nodes that no usable frame held any more, stored again.
  std::atomic<uint64_t> frames_lost{0};
};

struct SnapshotPlant {
  const Volume& volume;
  const TreeGeometry geometry;
  const IdKey& id_key;
  const FingerprintSecret& fingerprint_secret;
  Storage& storage;
  Index& index;
  OlderTree* parent;  // null for a first snapshot
  // Nothing is known about the parent's chunks but their names: each is looked up before it is
  // adopted, and what is missing is stored again.
  bool prove;
  // What is unchanged counts as found stored, not as the volume's own (with `prove`).
  bool foreign_parent;
  bool audit;
  int compression_level;
  LeafScheduler& scheduler;
  PendingIds& pending;
  PackStream& chunk_packs;
  PackStream& node_packs;
  TreeAssembly& assembly;
  SnapshotAccount& account;
  SnapshotCounters& counters;
};

}  // namespace varve
