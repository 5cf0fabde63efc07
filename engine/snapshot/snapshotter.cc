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
// FORMAT.md §4: of the reason why a snapshot went another way than usual.
constexpr size_t kReasonBytesMax = 4096;

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
  if (std::max(options.chunk_pack_bytes, options.node_pack_bytes) > kPackSizeMax) {
    return InvalidArgument("packs of more than " + std::to_string(kPackSizeMax) + " bytes");
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

// The snapshot that was asked for, or the volume's latest, if its chunk size is the repository's.
Result<Parent> FindParent(Repository& repository, const SnapshotOptions& options) {
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records, repository.Snapshots(&damaged));
  for (const DamagedRecord& record : damaged) {
    repository.Notice(record.path +
                      " is damaged and cannot be a parent: " + record.status.message());
  }
  Parent parent;
  for (SnapshotRecord& record : records) {
    const bool same_volume = record.volume_name == options.volume_name;
    if (same_volume) ++parent.earlier_snapshots;
    if (options.parent ? record.id != *options.parent : !same_volume) continue;
    if (record.chunk_size_bytes == repository.config().chunk_size_bytes) {
      parent.record = std::move(record);
    }
  }
  if (options.parent && !parent.record) {
    return NotFound("snapshot " + options.parent->Hex() +
                    " cannot be the parent: it is not there, or has another chunk size");
  }
  return parent;
}

// The session pins the parent. One that is deleted at this very moment is passed over.
Result<std::unique_ptr<Session>> BeginWithParent(Repository& repository,
                                                 const SnapshotOptions& options, Parent* parent) {
  for (;;) {
    VARVE_ASSIGN_OR_RETURN(*parent, FindParent(repository, options));
    std::vector<SnapshotId> pins;
    if (parent->record) pins.push_back(parent->record->id);
    auto session =
        repository.BeginSession("snapshot of " + options.volume_name, SessionRole::kWriter, pins);
    if (session.status().code() != Code::kNotFound || pins.empty()) return session;
    // A repository that is gone altogether ends the search: FindParent fails.
  }
}

// A first snapshot keeps every core busy with one worker each. An increment also waits for the
// bases of its deltas, one leaf at a time: while half of the workers wait, the others compute.
unsigned WorkerCount(const SnapshotOptions& options, bool reads_bases) {
  if (options.workers != 0) return options.workers;
  return std::max(1u, std::thread::hardware_concurrency()) * (reads_bases ? 2 : 1);
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
                                                              const TreeGeometry& geometry,
                                                              bool reads_bases) {
  BlockReaderOptions reader_options;
  reader_options.slots = LeafWorker::kSlots;
  reader_options.slot_bytes = geometry.LeafBytes();
  reader_options.runs_max = options.changes ? LeafScheduler::kRunsMax : 1;
  reader_options.force_pread = options.force_pread;
  std::vector<std::unique_ptr<BlockReader>> readers;
  for (unsigned i = 0; i < WorkerCount(options, reads_bases); ++i) {
    VARVE_ASSIGN_OR_RETURN(auto reader, volume.NewReader(reader_options));
    readers.push_back(std::move(reader));
  }
  return readers;
}

Status CheckStable(const Volume& volume, const ContentStamp& before, Consistency consistency) {
  VARVE_ASSIGN_OR_RETURN(const ContentStamp after, volume.Stamp());
  // The size that is recorded is the one from when it was opened.
  if (after.size_bytes != volume.size_bytes()) {
    return InvalidArgument("volume " + volume.identity() + " changed its size from " +
                           std::to_string(volume.size_bytes()) + " to " +
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

// A copy is the same snapshot: what its record tells of how it came to be stays.
void KeepStory(const SnapshotRecord& copied, SnapshotRecord* record) {
  record->id = copied.id;
  record->volume_identity = copied.volume_identity;
  record->start_unix_ns = copied.start_unix_ns;
  record->end_unix_ns = copied.end_unix_ns;
  record->consistency = copied.consistency;
  record->capture = copied.capture;
  record->change_source = copied.change_source;
  record->fallback_reason = copied.fallback_reason;
  record->tags = copied.tags;
  record->origin = copied.origin;
}

// What one pass over the volume found and stored.
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
  std::vector<PackId> reused_packs;
  Status parent_damage;  // what of the parent's tree could not be read
  std::string reader;

  bool met_damage() const { return !parent_damage.ok() || bases_unreadable > 0; }
};

std::unique_ptr<TreeReader> OpenParentTree(Repository& repository, Index& index,
                                           const Parent& parent) {
  if (!parent.record || parent.record->size_bytes == 0) return nullptr;
  const RepositoryConfig& config = repository.config();
  const TreeRoot root{parent.record->root,
                      TreeGeometry(parent.record->size_bytes, config.chunk_size_bytes)};
  return std::make_unique<TreeReader>(repository.storage(), index, config.id_key, root,
                                      "snapshot " + parent.record->id.Hex(), kParentLeafBatch);
}

// Reads the volume once, or only its candidates if there are any, and makes all chunks and nodes of
// its snapshot durable.
Result<Scan> ScanVolume(Repository& repository, Index& index, const Volume& volume,
                        const SnapshotOptions& options, const Parent& parent,
                        const CandidateChunks* candidates, bool prove, bool audit,
                        Progress& progress) {
  const RepositoryConfig& config = repository.config();
  const TreeGeometry geometry(volume.size_bytes(), config.chunk_size_bytes);
  const std::unique_ptr<TreeReader> parent_reader = OpenParentTree(repository, index, parent);
  std::optional<OlderTree> parent_tree;
  if (parent_reader != nullptr) parent_tree.emplace(*parent_reader);
  OlderTree* const older = parent_tree ? &*parent_tree : nullptr;

  PendingIds pending;
  ReusedPacks reused;
  SnapshotCounters counters;
  PackStream chunk_packs(repository.storage(), index, pending, repository.random(),
                         {PackContent::kChunks, config.id,
                          std::max(options.chunk_pack_bytes, 2 * geometry.LeafBytes())});
  PackStream node_packs(repository.storage(), index, pending, repository.random(),
                        {PackContent::kNodes, config.id,
                         std::max<uint64_t>(options.node_pack_bytes, 4 * kNodeBytesMax)});
  NodeStorer inner_nodes(repository.storage(), index, pending, node_packs, reused, prove,
                         options.compression_level);
  TreeAssembly assembly(geometry, config.id_key, older,
                        candidates == nullptr ? Gaps::kZero : Gaps::kUnchanged,
                        [&](const NewNode& node) { return inner_nodes.Store(node); });
  LeafScheduler scheduler(volume, geometry, candidates, progress);
  SnapshotPlant plant{volume,
                      geometry,
                      config.id_key,
                      config.fingerprint_secret,
                      repository.storage(),
                      index,
                      older,
                      prove,
                      audit,
                      options.compression_level,
                      scheduler,
                      pending,
                      chunk_packs,
                      node_packs,
                      assembly,
                      reused,
                      counters};

  Scan scan;
  VARVE_ASSIGN_OR_RETURN(auto readers,
                         OpenReaders(volume, options, geometry, parent_tree.has_value()));
  scan.reader = readers[0]->Name();
  const Status worked = RunWorkers(plant, std::move(readers));
  // Interrupted or not: what is encoded becomes durable, so that the next run need not do it again.
  const Result<PackStreamTotals> chunk_totals = chunk_packs.Finish();
  VARVE_RETURN_IF_ERROR(worked);
  VARVE_RETURN_IF_ERROR(chunk_totals.status());
  // Beyond this point all chunks of the snapshot are durable.
  scan.chunk_totals = *chunk_totals;
  scan.sample_misses = counters.sample_misses;
  if (scan.sample_misses == 0) {
    VARVE_ASSIGN_OR_RETURN(scan.root, assembly.Finish());
  }
  VARVE_ASSIGN_OR_RETURN(scan.node_totals, node_packs.Finish());
  // Beyond this point the whole tree is durable. The record is all that lacks.
  scan.bytes_read = counters.bytes_read;
  scan.chunks_changed = counters.chunks_changed + assembly.vanished_chunks();
  scan.chunks_deduplicated = counters.chunks_deduplicated;
  scan.audit_misses = counters.audit_misses;
  scan.bases_unreadable = counters.bases_unreadable;
  scan.frames_lost = counters.frames_lost;
  scan.reused_packs = reused.Take();
  if (older != nullptr) scan.parent_damage = older->damage();
  return scan;
}

// A second pass over the same volume: what the first one stored is this snapshot's, too.
void AddFirstPass(const Scan& first, Scan* scan) {
  scan->chunk_totals += first.chunk_totals;
  scan->node_totals += first.node_totals;
  scan->bytes_read += first.bytes_read;
  scan->chunks_deduplicated -= std::min(scan->chunks_deduplicated, first.chunk_totals.frames);
  scan->bases_unreadable += first.bases_unreadable;
}

SnapshotStatistics StatisticsOf(const Scan& scan, const TreeGeometry& geometry) {
  SnapshotStatistics statistics;
  statistics.bytes_total = geometry.size_bytes();
  statistics.bytes_read = scan.bytes_read;
  statistics.chunks_total = geometry.ChunkCount();
  statistics.chunks_changed = scan.chunks_changed;
  statistics.bytes_changed =
      std::min(scan.chunks_changed * geometry.chunk_size(), geometry.size_bytes());
  statistics.chunks_new = scan.chunk_totals.frames;
  statistics.chunks_delta = scan.chunk_totals.deltas;
  statistics.chunks_deduplicated = scan.chunks_deduplicated;
  statistics.bytes_stored = scan.chunk_totals.bytes + scan.node_totals.bytes;
  statistics.bytes_metadata = statistics.bytes_stored - scan.chunk_totals.payload_bytes;
  return statistics;
}

// Why the snapshot could not rely on its parent as it usually does; nothing if it could.
std::optional<std::string> DamageStory(const Scan& scan) {
  std::string story;
  if (!scan.parent_damage.ok()) {
    story += "part of the parent's tree cannot be read (" + scan.parent_damage.message() + "); ";
  }
  if (scan.bases_unreadable > 0) {
    story += std::to_string(scan.bases_unreadable) + " chunks that deltas need cannot be read; ";
  }
  if (scan.frames_lost > 0) {
    story += std::to_string(scan.frames_lost) + " unchanged chunks were lost; ";
  }
  if (story.empty()) return std::nullopt;
  return "damage in the repository: " + story + "what is lost was stored again";
}

// Why the change source that was asked for is not used, if there is a reason. `prove`: what the
// parent has must be looked for chunk by chunk.
std::optional<std::string> RefuseChanges(const SnapshotOptions& options, const Parent& parent,
                                         const TreeGeometry& geometry, bool prove) {
  if (!options.changes) {
    if (options.changes_refused.empty()) return std::nullopt;
    return options.changes_refused;
  }
  if (options.audit) return "an audit reads the whole volume";
  if (const auto refused =
          RefuseClaim(*options.changes, parent.record, options.volume_name, geometry)) {
    return refused;
  }
  if (prove) return "it is not known whether all that the parent has is still there";
  return std::nullopt;
}

// The pass that reads only what the change source names, if it can be believed. No scan, and why in
// `refused`, if it cannot.
Result<std::optional<Scan>> ScanChanges(Repository& repository, Index& index, const Volume& volume,
                                        const SnapshotOptions& options, const Parent& parent,
                                        bool prove, SnapshotReport* report, Progress& progress,
                                        std::optional<Scan>* failed) {
  SnapshotRecord& record = report->record;
  const TreeGeometry geometry(volume.size_bytes(), repository.config().chunk_size_bytes);
  record.fallback_reason = RefuseChanges(options, parent, geometry, prove);
  if (options.changes && !record.fallback_reason) {
    const CandidateChunks candidates =
        PlanCandidates(*options.changes, geometry, repository.random());
    VARVE_ASSIGN_OR_RETURN(Scan scan, ScanVolume(repository, index, volume, options, parent,
                                                 &candidates, false, report->audited, progress));
    if (scan.sample_misses == 0 && !scan.met_damage()) {
      record.change_source = options.changes->source;
      report->chunks_sampled = candidates.sampled.size();
      return std::optional<Scan>(std::move(scan));
    }
    record.fallback_reason = scan.sample_misses > 0
                                 ? "it called chunks unchanged that have changed; do not use it "
                                   "again before it is mended"
                                 : "the parent is damaged";
    *failed = std::move(scan);
  }
  if (!record.fallback_reason) return std::optional<Scan>();
  record.fallback_reason = record.fallback_reason->substr(0, kReasonBytesMax);
  repository.Notice("the " + (options.changes ? options.changes->source : "change source") +
                    " is not used, the whole volume is scanned: " + *record.fallback_reason);
  return std::optional<Scan>();
}

// Everything from the session's record to the commit.
Result<SnapshotReport> TakeInSession(Repository& repository, const Volume& volume,
                                     const SnapshotOptions& options, const Parent& parent,
                                     Session& session, Progress& progress) {
  const RepositoryConfig& config = repository.config();
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  VARVE_ASSIGN_OR_RETURN(const ContentStamp stamp, volume.Stamp());
  VARVE_RETURN_IF_ERROR(CheckQuiet(volume, options.consistency));
  SnapshotReport report;
  report.audited = options.audit || parent.earlier_snapshots % kAuditEvery == kAuditEvery - 1;
  bool prove = false;
  if (parent.record) {
    VARVE_ASSIGN_OR_RETURN(const bool proved, index->IsProved(parent.record->id));
    prove = !proved;
  }
  const auto scan_volume = [&] {
    return ScanVolume(repository, *index, volume, options, parent, nullptr, prove, report.audited,
                      progress);
  };
  std::optional<Scan> failed;
  VARVE_ASSIGN_OR_RETURN(
      std::optional<Scan> scanned,
      ScanChanges(repository, *index, volume, options, parent, prove, &report, progress, &failed));
  if (!scanned) {
    VARVE_ASSIGN_OR_RETURN(scanned, scan_volume());
    if (failed) AddFirstPass(*failed, &*scanned);
  }
  Scan scan = *std::move(scanned);
  bool trusted_all = scan.bases_unreadable == 0;
  if (!prove && scan.met_damage()) {
    // The parent's chunks were adopted unseen, and some of them may be gone with what was met.
    repository.Notice("damage in the repository: the volume is read again, trusting nothing");
    VARVE_RETURN_IF_ERROR(index->Distrust({}));
    prove = true;
    VARVE_ASSIGN_OR_RETURN(Scan second, scan_volume());
    trusted_all = second.bases_unreadable == 0;
    AddFirstPass(scan, &second);
    scan = std::move(second);
  }
  VARVE_RETURN_IF_ERROR(CheckStable(volume, stamp, options.consistency));
  report.reader = scan.reader;
  report.audit_misses = scan.audit_misses;
  report.bases_unreadable = scan.bases_unreadable;
  report.frames_lost = scan.frames_lost;

  const TreeGeometry geometry(volume.size_bytes(), config.chunk_size_bytes);
  SnapshotRecord& record = report.record;
  record.id = repository.random().NewId<SnapshotId>();
  record.volume_name = options.volume_name;
  record.volume_identity = volume.identity();
  record.size_bytes = geometry.size_bytes();
  record.chunk_size_bytes = geometry.chunk_size();
  record.root = scan.root.id;
  if (parent.record) record.parent = parent.record->id;
  record.start_unix_ns = session.record().start_unix_ns;
  record.end_unix_ns = repository.clock().NowUnixNs();
  record.consistency = options.consistency;
  record.tags = options.tags;
  record.statistics = StatisticsOf(scan, geometry);
  if (const std::optional<std::string> story = DamageStory(scan)) {
    repository.Notice(*story);
    const std::string before = record.fallback_reason ? *record.fallback_reason + "; " : "";
    record.fallback_reason = (before + *story).substr(0, kReasonBytesMax);
  }
  if (options.copied) KeepStory(*options.copied, &record);
  VARVE_RETURN_IF_ERROR(repository.Commit(session, scan.reused_packs, &record));
  // Without the proof the next snapshot only takes longer.
  if (trusted_all) {
    const Status marked = index->MarkProved(record.id);
    if (!marked.ok()) repository.Notice("the index took no proof: " + marked.message());
  }
  return report;
}

// Did it fail for nothing but the index? That is a cache, damaged on its disk: it is made anew.
Result<bool> HealIndex(Repository& repository, const Status& failure) {
  if (failure.code() != Code::kCorruption && failure.code() != Code::kIo) return false;
  VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> damage, repository.local().VerifyIndex());
  if (damage.empty()) return false;
  repository.Notice("the index is damaged and is rebuilt: " + damage[0]);
  VARVE_RETURN_IF_ERROR(repository.RebuildIndex());
  return true;
}

}  // namespace

Result<SnapshotReport> TakeSnapshot(Repository& repository, const Volume& volume,
                                    const SnapshotOptions& options, Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOptions(options));
  progress.bytes_total = volume.size_bytes();
  Parent parent;
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         BeginWithParent(repository, options, &parent));
  Result<SnapshotReport> report =
      TakeInSession(repository, volume, options, parent, *session, progress);
  if (!report.ok()) {
    const Result<bool> healed = HealIndex(repository, report.status());
    if (healed.ok() && *healed) {
      report = TakeInSession(repository, volume, options, parent, *session, progress);
    }
  }
  // A session that cannot be ended is removed by the next writer; the snapshot stands or not
  // regardless.
  const Status ended = session->End();
  if (!ended.ok()) repository.Notice("the session's record stays: " + ended.message());
  return report;
}

}  // namespace varve
