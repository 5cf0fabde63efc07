#include "restore/verifier.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "restore/chunk_loader.h"
#include "store/pack_reader.h"
#include "tree/tree_walk.h"

namespace varve {
namespace {

constexpr uint32_t kTreeLeafBatch = 32;

// What the workers of one verification share.
class Verification {
 public:
  Verification(Repository& repository, Index& index, const SnapshotRecord& record,
               VerifyLevel level, Progress& progress, const DamagedFrames& known_damage)
      : repository_(repository),
        index_(index),
        level_(level),
        progress_(progress),
        known_damage_(known_damage),
        geometry_(record.size_bytes, record.chunk_size_bytes),
        tree_(repository.storage(), index, repository.config().id_key, {record.root, geometry_},
              "snapshot " + record.id.Hex(), kTreeLeafBatch) {}

  Status Run() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(repository_.storage()));
    for (const PackListing& pack : packs)
      pack_sizes_[pack.id] = pack.size_bytes;
    const unsigned count = std::max(1u, std::thread::hardware_concurrency());
    std::vector<Status> results(count);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i) {
      threads.emplace_back([&, i] { results[i] = Work(); });
    }
    for (std::thread& thread : threads)
      thread.join();
    for (const Status& result : results)
      VARVE_RETURN_IF_ERROR(result);
    progress_.bytes_done = geometry_.size_bytes();
    return {};
  }

  VerifyReport TakeReport() {
    std::sort(report_.hurt.begin(), report_.hurt.end(),
              [](const HurtRange& a, const HurtRange& b) { return a.begin < b.begin; });
    std::vector<HurtRange> merged;
    for (HurtRange& range : report_.hurt) {
      if (!merged.empty() && merged.back().end == range.begin && merged.back().why == range.why) {
        merged.back().end = range.end;
      } else {
        merged.push_back(std::move(range));
      }
    }
    report_.hurt = std::move(merged);
    return std::move(report_);
  }

 private:
  // A thread's share of the work.
  Status Work() {
    const RepositoryConfig& config = repository_.config();
    ChunkLoader loader(repository_.storage(), index_, config.fingerprint_secret, config.id_key);
    FrameReader frames(repository_.storage(), index_);
    AlignedBuffer buffer;
    if (level_ == VerifyLevel::kFull) buffer = AlignedBuffer(geometry_.LeafBytes());
    while (true) {
      VARVE_ASSIGN_OR_RETURN(const std::optional<uint64_t> leaf, NextLeaf());
      if (!leaf) return {};
      const Result<std::shared_ptr<const TreeNode>> node = tree_.Leaf(*leaf);
      if (!node.ok()) {
        VARVE_RETURN_IF_ERROR(ReportNode(0, *leaf, node.status()));
        continue;
      }
      switch (level_) {
        case VerifyLevel::kStructure:
          VARVE_RETURN_IF_ERROR(CheckPlaces(*leaf, **node));
          break;
        case VerifyLevel::kStored:
          VARVE_RETURN_IF_ERROR(CheckStored(frames, *leaf, **node));
          break;
        case VerifyLevel::kFull:
          VARVE_RETURN_IF_ERROR(CheckDecoded(loader, buffer, *leaf, **node));
          break;
      }
    }
  }

  Result<std::optional<uint64_t>> NextLeaf() {
    const std::lock_guard lock(mutex_);
    while (next_leaf_ < geometry_.NodeCount(0)) {
      if (progress_.cancelled.load(std::memory_order_relaxed)) return Cancelled("interrupted");
      const Result<std::optional<uint64_t>> leaf = NextNonZeroLeaf(tree_, next_leaf_);
      if (!leaf.ok()) {
        // An inner node is damaged: everything below it is hurt, everything else is not.
        VARVE_RETURN_IF_ERROR(SkipDamagedNode(leaf.status()));
        continue;
      }
      if (!*leaf) break;
      next_leaf_ = **leaf + 1;
      progress_.bytes_done = **leaf * geometry_.LeafBytes();
      return *leaf;
    }
    next_leaf_ = geometry_.NodeCount(0);
    return std::optional<uint64_t>();
  }

  // Finds the highest damaged node over next_leaf_ or the next leaves and steps over it.
  Status SkipDamagedNode(const Status& why) {
    VARVE_RETURN_IF_ERROR(OnlyDamage(why));
    if (geometry_.root_level() == 0) {  // the only leaf is the root
      ReportLocked(0, geometry_.size_bytes(), why);
      next_leaf_ = 1;
      return {};
    }
    uint32_t level = geometry_.root_level();
    uint64_t leaf = next_leaf_;
    while (level > 0) {
      const uint64_t leaves = TreeGeometry::ChunksBelow(level) / kLeafChunks;
      if (!tree_.Node(level, leaf / leaves).ok()) {
        const uint64_t end = std::min((leaf / leaves + 1) * leaves, geometry_.NodeCount(0));
        ReportLocked(leaf * geometry_.LeafBytes(), end * geometry_.LeafBytes(), why);
        next_leaf_ = end;
        return {};
      }
      if (level > 1) {
        --level;
        continue;
      }
      // Everything over this leaf is good: the damage lies further on, below the next node.
      leaf = (leaf / leaves + 1) * leaves;
      if (leaf >= geometry_.NodeCount(0)) break;
      level = geometry_.root_level();
    }
    return why;  // not reproducible: tell the caller rather than loop
  }

  static Status OnlyDamage(const Status& status) {
    const bool is_damage = status.code() == Code::kCorruption || status.code() == Code::kNotFound ||
                           status.code() == Code::kIo || status.code() == Code::kUnsupported;
    return is_damage ? Status() : status;
  }

  Status ReportNode(uint32_t level, uint64_t index, const Status& why) {
    VARVE_RETURN_IF_ERROR(OnlyDamage(why));
    const uint64_t bytes = TreeGeometry::ChunksBelow(level) * geometry_.chunk_size();
    const std::lock_guard lock(mutex_);
    ReportLocked(index * bytes, (index + 1) * bytes, why);
    return {};
  }

  Status ReportChunk(uint64_t leaf, size_t position, const Status& why) {
    VARVE_RETURN_IF_ERROR(OnlyDamage(why));
    const uint64_t begin = (leaf * kLeafChunks + position) * geometry_.chunk_size();
    const std::lock_guard lock(mutex_);
    ReportLocked(begin, begin + geometry_.chunk_size(), why);
    return {};
  }

  void ReportLocked(uint64_t begin, uint64_t end, const Status& why) {
    report_.hurt.push_back({begin, std::min(end, geometry_.size_bytes()), why.message()});
  }

  void CountGood(uint64_t chunks, uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    report_.chunks_verified += chunks;
    report_.bytes_verified += bytes;
  }

  uint32_t Length(uint64_t leaf, size_t position) const {
    return geometry_.ChunkLength(leaf * kLeafChunks + position);
  }

  // Packs that are younger than the list are asked for. NotFound if there is none.
  Result<uint64_t> PackSize(const PackId& pack) {
    const auto listed = pack_sizes_.find(pack);
    if (listed != pack_sizes_.end()) return listed->second;
    return repository_.storage().Size(PackPath(pack));
  }

  // A place must lie in a pack that exists and be of the right length. NotFound if the chunk is
  // nowhere.
  Status CheckPlace(const ContentId& id, const std::optional<Place>& place, uint32_t length) {
    const std::string name = "chunk " + id.Hex();
    if (!place) return NotFound(name + ": is in no pack");
    const Result<uint64_t> pack_size = PackSize(place->pack);
    if (pack_size.status().code() == Code::kNotFound) {
      return NotFound(name + ": its pack " + place->pack.Hex() + " is missing");
    }
    VARVE_RETURN_IF_ERROR(pack_size.status());
    if (place->offset + place->frame.FrameBytes() > *pack_size) {
      return Corruption(name + ": lies past the end of pack " + place->pack.Hex());
    }
    if (known_damage_.count({place->pack, place->offset}) != 0) {
      return Corruption(name + ": its frame at " + std::to_string(place->offset) + " of pack " +
                        place->pack.Hex() + " is damaged");
    }
    if (length != 0 && place->frame.raw_length != length) {
      return Corruption(name + ": is " + std::to_string(place->frame.raw_length) +
                        " bytes, its place in the volume has " + std::to_string(length));
    }
    return {};
  }

  // One status per chunk; true if one of them, or its base, is nowhere in this view of the index.
  Result<bool> FindPlaces(std::span<const ContentId> ids, std::span<const uint32_t> lengths,
                          std::vector<Status>* found) {
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(index_.FindMany(ids, &places));
    std::vector<ContentId> base_ids(ids.size());
    for (size_t k = 0; k < ids.size(); ++k) {
      if (places[k]) base_ids[k] = places[k]->frame.base;
    }
    std::vector<std::optional<Place>> bases;
    VARVE_RETURN_IF_ERROR(index_.FindMany(base_ids, &bases));
    bool missed = false;
    found->clear();
    for (size_t k = 0; k < ids.size(); ++k) {
      Status status = CheckPlace(ids[k], places[k], lengths[k]);
      if (status.ok() && !base_ids[k].IsZero()) {
        status = CheckPlace(base_ids[k], bases[k], 0).WithContext("base of chunk " + ids[k].Hex());
      }
      missed = missed || status.code() == Code::kNotFound;
      found->push_back(std::move(status));
    }
    return missed;
  }

  Status CheckPlaces(uint64_t leaf, const TreeNode& node) {
    std::vector<ContentId> ids;
    std::vector<uint32_t> lengths;
    std::vector<size_t> positions;
    for (size_t i = 0; i < node.chunks.size(); ++i) {
      if (node.chunks[i].IsZero()) continue;
      ids.push_back(node.chunks[i].id);
      lengths.push_back(Length(leaf, i));
      positions.push_back(i);
    }
    std::vector<Status> found;
    VARVE_RETURN_IF_ERROR(
        LookInFreshViews(index_, [&] { return FindPlaces(ids, lengths, &found); }));
    uint64_t good = 0;
    uint64_t good_bytes = 0;
    for (size_t k = 0; k < ids.size(); ++k) {
      if (!found[k].ok()) {
        VARVE_RETURN_IF_ERROR(ReportChunk(leaf, positions[k], found[k]));
        continue;
      }
      ++good;
      good_bytes += lengths[k];
    }
    CountGood(good, good_bytes);
    return {};
  }

  Status CheckStored(FrameReader& frames, uint64_t leaf, const TreeNode& node) {
    std::vector<FrameRequest> requests;
    std::vector<size_t> positions;
    for (size_t i = 0; i < node.chunks.size(); ++i) {
      if (node.chunks[i].IsZero()) continue;
      FrameRequest request;
      request.id = node.chunks[i].id;
      requests.push_back(request);
      positions.push_back(i);
    }
    VARVE_RETURN_IF_ERROR(frames.ReadMany(requests, ReadDepth::kStored));
    uint64_t good = 0;
    uint64_t good_bytes = 0;
    for (size_t k = 0; k < requests.size(); ++k) {
      if (!requests[k].status.ok()) {
        VARVE_RETURN_IF_ERROR(ReportChunk(leaf, positions[k], requests[k].status));
        continue;
      }
      ++good;
      good_bytes += Length(leaf, positions[k]);
    }
    CountGood(good, good_bytes);
    return {};
  }

  Status CheckDecoded(ChunkLoader& loader, AlignedBuffer& buffer, uint64_t leaf,
                      const TreeNode& node) {
    std::vector<ChunkRequest> requests;
    std::vector<size_t> positions;
    for (size_t i = 0; i < node.chunks.size(); ++i) {
      if (node.chunks[i].IsZero()) continue;
      requests.push_back(
          {node.chunks[i], buffer.span().subspan(i * geometry_.chunk_size(), Length(leaf, i)), {}});
      positions.push_back(i);
    }
    VARVE_RETURN_IF_ERROR(loader.Load(requests, ChunkLoader::Check::kFingerprintAndId));
    uint64_t good = 0;
    uint64_t good_bytes = 0;
    for (size_t k = 0; k < requests.size(); ++k) {
      if (!requests[k].status.ok()) {
        VARVE_RETURN_IF_ERROR(ReportChunk(leaf, positions[k], requests[k].status));
        continue;
      }
      ++good;
      good_bytes += requests[k].into.size();
    }
    CountGood(good, good_bytes);
    return {};
  }

  Repository& repository_;
  Index& index_;
  const VerifyLevel level_;
  Progress& progress_;
  const DamagedFrames& known_damage_;
  const TreeGeometry geometry_;
  TreeReader tree_;
  std::unordered_map<PackId, uint64_t> pack_sizes_;
  std::mutex mutex_;
  uint64_t next_leaf_ = 0;  // guarded by mutex_
  VerifyReport report_;     // guarded by mutex_
};

}  // namespace

Result<VerifyReport> VerifySnapshot(Repository& repository, const SnapshotRecord& record,
                                    VerifyLevel level, Progress& progress,
                                    const DamagedFrames& known_damage) {
  progress.bytes_total = record.size_bytes;
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  Verification verification(repository, *index, record, level, progress, known_damage);
  VARVE_RETURN_IF_ERROR(verification.Run());
  return verification.TakeReport();
}

}  // namespace varve
