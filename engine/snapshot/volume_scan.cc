#include "snapshot/volume_scan.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "snapshot/leaf_worker.h"

namespace varve {
namespace {

// Leaves that a scan of the parent's tree loads at once.
constexpr uint32_t kParentLeafBatch = 32;

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

std::unique_ptr<TreeReader> OpenParentTree(Repository& repository, Index& index,
                                           const SnapshotRecord* parent) {
  if (parent == nullptr || parent->size_bytes == 0) return nullptr;
  const RepositoryConfig& config = repository.config();
  const TreeRoot root{parent->root, TreeGeometry(parent->size_bytes, config.chunk_size_bytes)};
  return std::make_unique<TreeReader>(repository.storage(), index, config.id_key, root,
                                      "snapshot " + parent->id.Hex(), kParentLeafBatch);
}

}  // namespace

Result<Scan> ScanVolume(Repository& repository, Index& index, const Volume& volume,
                        const SnapshotOptions& options, const ScanPlan& plan, Progress& progress) {
  const RepositoryConfig& config = repository.config();
  const TreeGeometry geometry(volume.size_bytes(), config.chunk_size_bytes);
  const std::unique_ptr<TreeReader> parent_reader = OpenParentTree(repository, index, plan.parent);
  std::optional<OlderTree> parent_tree;
  if (parent_reader != nullptr) parent_tree.emplace(*parent_reader);
  OlderTree* const older = parent_tree ? &*parent_tree : nullptr;

  plan.account->BeginPass();
  PendingIds pending;
  SnapshotCounters counters;
  PackStream chunk_packs(
      repository.storage(), index, pending, repository.random(),
      {PackContent::kChunks, config.id,
       std::max(options.chunk_pack_bytes, 2 * geometry.LeafBytes()), plan.account});
  PackStream node_packs(
      repository.storage(), index, pending, repository.random(),
      {PackContent::kNodes, config.id,
       std::max<uint64_t>(options.node_pack_bytes, 4 * kNodeBytesMax), plan.account});
  NodeStorer inner_nodes(repository.storage(), index, pending, node_packs, *plan.account,
                         plan.prove, options.compression_level);
  TreeAssembly assembly(geometry, config.id_key, older,
                        plan.candidates == nullptr ? Gaps::kZero : Gaps::kUnchanged,
                        [&](const NewNode& node) { return inner_nodes.Store(node); });
  LeafScheduler scheduler(volume, geometry, plan.candidates, progress);
  SnapshotPlant plant{volume,
                      geometry,
                      config.id_key,
                      config.fingerprint_secret,
                      repository.storage(),
                      index,
                      older,
                      plan.prove,
                      plan.foreign_parent,
                      plan.audit,
                      options.compression_level,
                      scheduler,
                      pending,
                      chunk_packs,
                      node_packs,
                      assembly,
                      *plan.account,
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
  scan.trusted_all = scan.bases_unreadable == 0;
  if (older != nullptr) scan.parent_damage = older->damage();
  return scan;
}

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

}  // namespace varve
