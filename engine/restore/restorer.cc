#include "restore/restorer.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "restore/chunk_loader.h"
#include "tree/tree_walk.h"

namespace varve {
namespace {

constexpr uint32_t kTreeLeafBatch = 32;

// Hands out, in order, the leaves in which the snapshot or the target holds data. Thread-safe.
class RestoreScheduler {
 public:
  RestoreScheduler(TreeReader& tree, const Volume* present, Progress& progress)
      : tree_(tree), present_(present), progress_(progress) {}

  Result<std::optional<uint64_t>> Next() {
    const std::lock_guard lock(mutex_);
    const TreeGeometry& geometry = tree_.geometry();
    if (stopped_) return std::optional<uint64_t>();
    if (progress_.cancelled.load(std::memory_order_relaxed)) return Cancelled("interrupted");
    std::optional<uint64_t> leaf;
    if (next_leaf_ < geometry.NodeCount(0)) {
      VARVE_ASSIGN_OR_RETURN(leaf, NextNonZeroLeaf(tree_, next_leaf_));
    }
    if (present_ != nullptr) {
      VARVE_ASSIGN_OR_RETURN(const std::optional<DataExtent> data,
                             present_->NextData(next_leaf_ * geometry.LeafBytes()));
      // A device may be larger than the volume: what lies behind it is not ours.
      if (data && data->begin < geometry.size_bytes()) {
        const uint64_t with_data = std::max(data->begin / geometry.LeafBytes(), next_leaf_);
        leaf = leaf ? std::min(*leaf, with_data) : with_data;
      }
    }
    if (!leaf) {
      progress_.bytes_done = geometry.size_bytes();
      return leaf;
    }
    progress_.bytes_done = *leaf * geometry.LeafBytes();
    next_leaf_ = *leaf + 1;
    return leaf;
  }

  void Stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

 private:
  TreeReader& tree_;
  const Volume* const present_;
  Progress& progress_;
  std::mutex mutex_;
  uint64_t next_leaf_ = 0;  // guarded by mutex_
  bool stopped_ = false;    // guarded by mutex_
};

struct Counters {
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_compared{0};
  std::atomic<uint64_t> bytes_written{0};
  std::atomic<uint64_t> bytes_zeroed{0};
};

// Restores leaf by leaf: which chunks differ, load those, write neighbours together. One thread.
class RestoreWorker {
 public:
  RestoreWorker(Repository& repository, Index& index, TreeReader& tree, BlockWriter& writer,
                std::unique_ptr<BlockReader> present, RestoreScheduler& scheduler,
                Counters& counters)
      : config_(repository.config()),
        tree_(tree),
        writer_(writer),
        present_(std::move(present)),
        scheduler_(scheduler),
        counters_(counters),
        loader_(repository.storage(), index, config_.fingerprint_secret, config_.id_key,
                PackPages::kPassed),
        buffer_(tree.geometry().LeafBytes()) {}

  Status Run() {
    while (true) {
      VARVE_ASSIGN_OR_RETURN(const std::optional<uint64_t> leaf, scheduler_.Next());
      if (!leaf) break;
      VARVE_RETURN_IF_ERROR(RestoreLeaf(*leaf));
    }
    counters_.bytes_read += loader_.bytes_read();
    return {};
  }

 private:
  enum class Action : uint8_t { kKeep, kWrite, kZero };

  Status RestoreLeaf(uint64_t leaf) {
    VARVE_ASSIGN_OR_RETURN(const auto node, tree_.Leaf(leaf));
    const TreeGeometry& geometry = tree_.geometry();
    begin_ = leaf * geometry.LeafBytes();
    length_ = std::min(geometry.LeafBytes(), geometry.size_bytes() - begin_);
    VARVE_RETURN_IF_ERROR(Decide(*node));
    VARVE_RETURN_IF_ERROR(LoadWanted(*node));
    return WriteRuns();
  }

  MutableByteSpan ChunkBytes(size_t i) {
    const uint64_t offset = i * tree_.geometry().chunk_size();
    return buffer_.span().subspan(
        offset, std::min<uint64_t>(tree_.geometry().chunk_size(), length_ - offset));
  }

  // What is to be done with each chunk of the leaf.
  Status Decide(const TreeNode& node) {
    actions_.assign(node.chunks.size(), Action::kKeep);
    ByteSpan present;
    if (present_ != nullptr) {
      VARVE_RETURN_IF_ERROR(present_->Start(0, begin_, length_));
      VARVE_ASSIGN_OR_RETURN(present, present_->Wait(0));
      counters_.bytes_compared += length_;
    }
    for (size_t i = 0; i < node.chunks.size(); ++i) {
      const ChunkRef& chunk = node.chunks[i];
      if (present.empty()) {
        if (!chunk.IsZero()) actions_[i] = Action::kWrite;
        continue;
      }
      const ByteSpan now = present.subspan(i * tree_.geometry().chunk_size(), ChunkBytes(i).size());
      const bool is_zero = IsAllZero(now);
      if (chunk.IsZero()) {
        if (!is_zero) actions_[i] = Action::kZero;
      } else if (is_zero ||
                 ComputeFingerprint(config_.fingerprint_secret, now) != chunk.fingerprint) {
        actions_[i] = Action::kWrite;
      }
    }
    return {};
  }

  Status LoadWanted(const TreeNode& node) {
    requests_.clear();
    for (size_t i = 0; i < actions_.size(); ++i) {
      if (actions_[i] == Action::kWrite) {
        requests_.push_back({node.chunks[i], ChunkBytes(i), {}});
      }
    }
    VARVE_RETURN_IF_ERROR(loader_.Load(requests_));
    for (const ChunkRequest& request : requests_) {
      if (request.status.ok()) continue;
      const uint64_t offset = begin_ + static_cast<uint64_t>(request.into.data() - buffer_.data());
      return request.status.WithContext("volume range " + std::to_string(offset) + "+" +
                                        std::to_string(request.into.size()));
    }
    return {};
  }

  Status WriteRuns() {
    for (size_t i = 0; i < actions_.size();) {
      const Action action = actions_[i];
      const size_t first = i;
      size_t bytes = 0;
      for (; i < actions_.size() && actions_[i] == action; ++i)
        bytes += ChunkBytes(i).size();
      const uint64_t offset = begin_ + first * tree_.geometry().chunk_size();
      if (action == Action::kWrite) {
        VARVE_RETURN_IF_ERROR(writer_.Write(offset, {ChunkBytes(first).data(), bytes}));
        counters_.bytes_written += bytes;
      } else if (action == Action::kZero) {
        VARVE_RETURN_IF_ERROR(writer_.WriteZeros(offset, bytes));
        counters_.bytes_zeroed += bytes;
      }
    }
    return {};
  }

  const RepositoryConfig& config_;
  TreeReader& tree_;
  BlockWriter& writer_;
  const std::unique_ptr<BlockReader> present_;
  RestoreScheduler& scheduler_;
  Counters& counters_;
  ChunkLoader loader_;
  AlignedBuffer buffer_;
  uint64_t begin_ = 0;
  uint64_t length_ = 0;
  std::vector<Action> actions_;
  std::vector<ChunkRequest> requests_;
};

unsigned WorkerCount(const RestoreOptions& options) {
  if (options.workers != 0) return options.workers;
  return 2 * std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Result<RestoreReport> RestoreSnapshot(Repository& repository, const SnapshotRecord& record,
                                      BlockWriter& writer, const Volume* present,
                                      const RestoreOptions& options, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  const TreeGeometry geometry(record.size_bytes, record.chunk_size_bytes);
  progress.bytes_total = record.size_bytes;
  TreeReader tree(repository.storage(), *index, repository.config().id_key, {record.root, geometry},
                  "snapshot " + record.id.Hex(), kTreeLeafBatch);
  RestoreScheduler scheduler(tree, present, progress);
  Counters counters;
  std::vector<std::unique_ptr<RestoreWorker>> workers;
  for (unsigned i = 0; i < WorkerCount(options); ++i) {
    std::unique_ptr<BlockReader> reader;
    if (present != nullptr) {
      BlockReaderOptions reader_options;
      reader_options.slots = 1;
      reader_options.slot_bytes = geometry.LeafBytes();
      reader_options.force_pread = options.force_pread;
      VARVE_ASSIGN_OR_RETURN(reader, present->NewReader(reader_options));
    }
    workers.push_back(std::make_unique<RestoreWorker>(repository, *index, tree, writer,
                                                      std::move(reader), scheduler, counters));
  }
  std::vector<Status> results(workers.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < workers.size(); ++i) {
    threads.emplace_back([&, i] {
      results[i] = workers[i]->Run();
      if (!results[i].ok()) scheduler.Stop();
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  for (const Status& result : results)
    VARVE_RETURN_IF_ERROR(result);
  VARVE_RETURN_IF_ERROR(writer.Sync());
  return RestoreReport{record.size_bytes, counters.bytes_read, counters.bytes_compared,
                       counters.bytes_written, counters.bytes_zeroed};
}

}  // namespace varve
