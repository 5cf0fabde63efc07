#include "snapshot/snapshotter.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "snapshot/leaf_worker.h"

namespace varve {
namespace {

constexpr uint64_t kAuditEvery = 10;
// Leaves that a scan of the parent's tree loads at once.
constexpr uint32_t kParentLeafBatch = 32;

Status CheckName(const std::string& what, const std::string& text, size_t size_max) {
  if (text.empty() || text.size() > size_max) {
    return InvalidArgument(what + " must have 1 to " + std::to_string(size_max) + " bytes, not " +
                           std::to_string(text.size()));
  }
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!printable) return InvalidArgument(what + " holds control characters");
  return {};
}

Status CheckOptions(const SnapshotOptions& options) {
  VARVE_RETURN_IF_ERROR(CheckName("volume name", options.volume_name, kNameBytesMax));
  if (options.volume_name.find('@') != std::string::npos ||
      options.volume_name.find('/') != std::string::npos) {
    return InvalidArgument("volume name '" + options.volume_name + "' holds '@' or '/'");
  }
  if (options.tags.size() > kTagsMax) {
    return InvalidArgument(std::to_string(options.tags.size()) + " tags, at most " +
                           std::to_string(kTagsMax));
  }
  for (const auto& [key, value] : options.tags) {
    VARVE_RETURN_IF_ERROR(CheckName("tag", key + "=" + value, kTagBytesMax));
    if (key.empty() || key.find('=') != std::string::npos) {
      return InvalidArgument("tag '" + key + "=" + value + "' has no key");
    }
  }
  if (options.compression_level < kCompressionLevelMin ||
      options.compression_level > kCompressionLevelMax || options.compression_level == 0) {
    return InvalidArgument("compression level " + std::to_string(options.compression_level) +
                           " is not from -5 to 19");
  }
  return {};
}

struct Parent {
  std::optional<SnapshotRecord> record;
  uint64_t earlier_snapshots = 0;  // of this volume
};

// The volume's latest snapshot, if its chunk size is the repository's.
Result<Parent> FindParent(Repository& repository, const std::string& volume_name) {
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records, repository.Snapshots(&damaged));
  for (const DamagedRecord& record : damaged) {
    repository.Notice(record.path +
                      " is damaged and cannot be a parent: " + record.status.message());
  }
  Parent parent;
  for (SnapshotRecord& record : records) {
    if (record.volume_name != volume_name) continue;
    ++parent.earlier_snapshots;
    if (record.chunk_size_bytes == repository.config().chunk_size_bytes) {
      parent.record = std::move(record);
    }
  }
  return parent;
}

// The session pins the parent. One that is deleted at this very moment is passed over.
Result<std::unique_ptr<Session>> BeginWithParent(Repository& repository,
                                                 const std::string& volume_name, Parent* parent) {
  for (;;) {
    VARVE_ASSIGN_OR_RETURN(*parent, FindParent(repository, volume_name));
    std::vector<SnapshotId> pins;
    if (parent->record) pins.push_back(parent->record->id);
    auto session =
        repository.BeginSession("snapshot of " + volume_name, SessionRole::kWriter, pins);
    if (session.status().code() != Code::kNotFound || pins.empty()) return session;
    // A repository that is gone altogether ends the search: FindParent fails.
  }
}

unsigned WorkerCount(const SnapshotOptions& options) {
  if (options.workers != 0) return options.workers;
  return std::max(1u, std::thread::hardware_concurrency());
}

// Runs one worker per reader; the first failure stops the others.
Status RunWorkers(SnapshotPlant& plant, std::vector<std::unique_ptr<BlockReader>> readers) {
  std::vector<Status> results(readers.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < readers.size(); ++i) {
    threads.emplace_back([&, i] {
      results[i] = LeafWorker(plant, std::move(readers[i])).Run();
      if (!results[i].ok()) plant.scheduler.Stop();
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  for (const Status& result : results)
    VARVE_RETURN_IF_ERROR(result);
  return {};
}

Result<std::vector<std::unique_ptr<BlockReader>>> OpenReaders(const Volume& volume,
                                                              const SnapshotOptions& options,
                                                              const TreeGeometry& geometry) {
  BlockReaderOptions reader_options;
  reader_options.slots = LeafWorker::kSlots;
  reader_options.slot_bytes = geometry.LeafBytes();
  reader_options.force_pread = options.force_pread;
  std::vector<std::unique_ptr<BlockReader>> readers;
  for (unsigned i = 0; i < WorkerCount(options); ++i) {
    VARVE_ASSIGN_OR_RETURN(auto reader, volume.NewReader(reader_options));
    readers.push_back(std::move(reader));
  }
  return readers;
}

Status CheckStable(const Volume& volume, const ContentStamp& before, Consistency consistency) {
  VARVE_ASSIGN_OR_RETURN(const ContentStamp after, volume.Stamp());
  if (after.size_bytes != before.size_bytes) {
    return InvalidArgument("volume " + volume.identity() + " changed its size from " +
                           std::to_string(before.size_bytes) + " to " +
                           std::to_string(after.size_bytes) + " bytes while it was read");
  }
  if (consistency != Consistency::kFuzzy && after != before) {
    return InvalidArgument("volume " + volume.identity() +
                           " was written while it was read; freeze it, or ask for a fuzzy "
                           "snapshot");
  }
  return {};
}

Status CheckQuiet(const Volume& volume, Consistency consistency) {
  // A frozen file system stays mounted read-write: the caller who says "filesystem" or
  // "application" vouches for the freeze.
  if (consistency != Consistency::kCrash) return {};
  const std::optional<std::string> use = volume.MountedForWriting();
  if (!use) return {};
  return Busy("volume " + volume.identity() + " " + *use +
              "; unmount it, freeze it (--consistency filesystem), or ask for a fuzzy snapshot "
              "(--consistency fuzzy)");
}

// Everything from the session's record to the commit.
Result<SnapshotReport> TakeInSession(Repository& repository, const Volume& volume,
                                     const SnapshotOptions& options, const Parent& parent,
                                     const Session& session, Progress& progress) {
  const RepositoryConfig& config = repository.config();
  const TreeGeometry geometry(volume.size_bytes(), config.chunk_size_bytes);
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  VARVE_ASSIGN_OR_RETURN(const ContentStamp stamp, volume.Stamp());
  VARVE_RETURN_IF_ERROR(CheckQuiet(volume, options.consistency));

  std::unique_ptr<TreeReader> parent_tree;
  if (parent.record && parent.record->size_bytes > 0) {
    const TreeRoot root{parent.record->root,
                        TreeGeometry(parent.record->size_bytes, config.chunk_size_bytes)};
    parent_tree =
        std::make_unique<TreeReader>(repository.storage(), *index, config.id_key, root,
                                     "snapshot " + parent.record->id.Hex(), kParentLeafBatch);
  }

  PendingIds pending;
  ReusedPacks reused;
  SnapshotCounters counters;
  PackStream chunk_packs(
      repository.storage(), *index, pending, repository.random(),
      {PackContent::kChunks, config.id, std::max(kDataPackTarget, 2 * geometry.LeafBytes())});
  PackStream node_packs(repository.storage(), *index, pending, repository.random(),
                        {PackContent::kNodes, config.id, kNodePackTarget});
  NodeStorer inner_nodes(repository.storage(), *index, pending, node_packs, reused,
                         options.compression_level);
  TreeAssembly assembly(geometry, config.id_key, parent_tree.get(),
                        [&](const NewNode& node) { return inner_nodes.Store(node); });
  LeafScheduler scheduler(volume, geometry, progress);
  SnapshotReport report;
  report.audited = options.audit || parent.earlier_snapshots % kAuditEvery == kAuditEvery - 1;
  SnapshotPlant plant{volume,
                      geometry,
                      config.id_key,
                      config.fingerprint_secret,
                      repository.storage(),
                      *index,
                      parent_tree.get(),
                      report.audited,
                      options.compression_level,
                      scheduler,
                      pending,
                      chunk_packs,
                      node_packs,
                      assembly,
                      reused,
                      counters};

  VARVE_ASSIGN_OR_RETURN(auto readers, OpenReaders(volume, options, geometry));
  report.reader = readers[0]->Name();
  const Status worked = RunWorkers(plant, std::move(readers));
  // Interrupted or not: what is encoded becomes durable, so that the next run need not do it again.
  const Result<PackStreamTotals> chunk_totals = chunk_packs.Finish();
  VARVE_RETURN_IF_ERROR(worked);
  VARVE_RETURN_IF_ERROR(chunk_totals.status());
  // Beyond this point all chunks of the snapshot are durable.
  VARVE_ASSIGN_OR_RETURN(const NodeRef root, assembly.Finish());
  VARVE_ASSIGN_OR_RETURN(const PackStreamTotals node_totals, node_packs.Finish());
  // Beyond this point the whole tree is durable. The record is all that lacks.
  VARVE_RETURN_IF_ERROR(CheckStable(volume, stamp, options.consistency));
  report.audit_misses = counters.audit_misses;
  report.bases_unreadable = counters.bases_unreadable;

  SnapshotRecord& record = report.record;
  record.id = repository.random().NewId<SnapshotId>();
  record.volume_name = options.volume_name;
  record.volume_identity = volume.identity();
  record.size_bytes = geometry.size_bytes();
  record.chunk_size_bytes = geometry.chunk_size();
  record.root = root.id;
  if (parent.record) record.parent = parent.record->id;
  record.start_unix_ns = session.record().start_unix_ns;
  record.end_unix_ns = repository.clock().NowUnixNs();
  record.consistency = options.consistency;
  record.tags = options.tags;
  SnapshotStatistics& statistics = record.statistics;
  statistics.bytes_total = geometry.size_bytes();
  statistics.bytes_read = counters.bytes_read;
  statistics.chunks_total = geometry.ChunkCount();
  statistics.chunks_changed = counters.chunks_changed + assembly.vanished_chunks();
  statistics.bytes_changed =
      std::min(statistics.chunks_changed * geometry.chunk_size(), geometry.size_bytes());
  statistics.chunks_new = chunk_totals->frames;
  statistics.chunks_delta = chunk_totals->deltas;
  statistics.chunks_deduplicated = counters.chunks_deduplicated;
  statistics.bytes_stored = chunk_totals->bytes + node_totals.bytes;
  statistics.bytes_metadata = statistics.bytes_stored - chunk_totals->payload_bytes;
  VARVE_RETURN_IF_ERROR(repository.Commit(session, reused.Take(), &record));
  return report;
}

}  // namespace

Result<SnapshotReport> TakeSnapshot(Repository& repository, const Volume& volume,
                                    const SnapshotOptions& options, Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOptions(options));
  progress.bytes_total = volume.size_bytes();
  Parent parent;
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         BeginWithParent(repository, options.volume_name, &parent));
  Result<SnapshotReport> report =
      TakeInSession(repository, volume, options, parent, *session, progress);
  // A session that cannot be ended is removed by the next writer; the snapshot stands or not
  // regardless.
  const Status ended = session->End();
  if (!ended.ok()) repository.Notice("the session's record stays: " + ended.message());
  return report;
}

}  // namespace varve
