#include "restore/snapshot_reader.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "tree/tree_walk.h"

namespace varve {
namespace {

constexpr uint32_t kLeafBatch = 4;
// What one task of read-ahead loads: enough for one large read of a pack, little enough that both
// cores get their share of a window.
constexpr uint64_t kAheadPiece = 1 * kMiB;
constexpr size_t kAheadWaitingMax = 64;
// The part of the cache that read-ahead may fill before anybody asked.
constexpr size_t kAheadShare = 2;

// Two per core, because some of them wait for a disk.
unsigned AheadThreads() {
  return 2 * std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

SharedReading::SharedReading(size_t cache_bytes)
    : cache(cache_bytes), pool(AheadThreads(), kAheadWaitingMax) {}

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(
    Repository& repository, const SnapshotRecord& record, std::shared_ptr<SharedReading> shared) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  return std::unique_ptr<SnapshotReader>(
      new SnapshotReader(repository, *index, record, std::move(shared)));
}

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(Repository& repository,
                                                             const SnapshotRecord& record,
                                                             size_t cache_bytes) {
  return Open(repository, record, std::make_shared<SharedReading>(cache_bytes));
}

SnapshotReader::SnapshotReader(Repository& repository, Index& index, const SnapshotRecord& record,
                               std::shared_ptr<SharedReading> shared)
    : repository_(repository),
      index_(index),
      record_(record),
      geometry_(record.size_bytes, record.chunk_size_bytes),
      shared_(std::move(shared)),
      tree_(repository.storage(), index, repository.config().id_key, {record.root, geometry_},
            "snapshot " + record.id.Hex(), kLeafBatch),
      detector_(record.size_bytes, shared_->cache.bytes_max() / kAheadShare) {}

SnapshotReader::~SnapshotReader() {
  shared_->pool.Forget(this);
}

std::unique_ptr<ChunkLoader> SnapshotReader::TakeLoader() {
  {
    const std::lock_guard lock(mutex_);
    if (!loaders_.empty()) {
      std::unique_ptr<ChunkLoader> loader = std::move(loaders_.back());
      loaders_.pop_back();
      return loader;
    }
  }
  const RepositoryConfig& config = repository_.config();
  return std::make_unique<ChunkLoader>(repository_.storage(), index_, config.fingerprint_secret,
                                       config.id_key);
}

void SnapshotReader::ReturnLoader(std::unique_ptr<ChunkLoader> loader) {
  const std::lock_guard lock(mutex_);
  loaders_.push_back(std::move(loader));
}

Status SnapshotReader::Located(const Status& status, uint64_t index) const {
  return status.WithContext("volume " + record_.volume_name + ", range " +
                            std::to_string(index * geometry_.chunk_size()) + "+" +
                            std::to_string(geometry_.ChunkLength(index)));
}

// The chunks of a range as the tree names them.
Result<std::vector<SnapshotReader::Piece>> SnapshotReader::Plan(uint64_t offset, uint64_t length) {
  std::vector<Piece> pieces;
  if (length == 0) return pieces;
  const uint64_t first = offset / geometry_.chunk_size();
  const uint64_t last = (offset + length - 1) / geometry_.chunk_size();
  std::shared_ptr<const TreeNode> leaf;
  for (uint64_t index = first; index <= last; ++index) {
    if (leaf == nullptr || index % kLeafChunks == 0) {
      auto found = tree_.Leaf(index / kLeafChunks);
      if (!found.ok()) return Located(found.status(), index);
      leaf = *std::move(found);
    }
    pieces.push_back({.index = index, .chunk = leaf->chunks[index % kLeafChunks]});
  }
  return pieces;
}

// Loads, together, the pieces that are ours to load, and tells the cache about every one of them.
// The first failure, or OK.
Status SnapshotReader::Load(std::span<Piece> pieces) {
  std::vector<ChunkRequest> requests;
  std::vector<std::shared_ptr<ChunkBytes>> buffers;
  for (const Piece& piece : pieces) {
    if (!piece.mine) continue;
    buffers.push_back(std::make_shared<ChunkBytes>(geometry_.ChunkLength(piece.index)));
    requests.push_back({piece.chunk, buffers.back()->span(), {}});
  }
  if (requests.empty()) return {};
  std::unique_ptr<ChunkLoader> loader = TakeLoader();
  const Status index_failure = loader->Load(requests);
  ReturnLoader(std::move(loader));
  Status first_failure;
  size_t i = 0;
  for (Piece& piece : pieces) {
    if (!piece.mine) continue;
    const Status& status = index_failure.ok() ? requests[i].status : index_failure;
    piece.mine = false;
    if (status.ok()) {
      piece.loaded = std::move(buffers[i]);
      shared_->cache.Publish(piece.chunk.id, piece.loaded);
    } else {
      shared_->cache.Abandon(piece.chunk.id);
      if (first_failure.ok()) first_failure = Located(status, piece.index);
    }
    ++i;
  }
  return first_failure;
}

// Waits for a chunk that somebody else loads, or loads it after that failed.
Status SnapshotReader::WaitFor(Piece& piece) {
  while (piece.loaded == nullptr) {
    piece.loaded = shared_->cache.Wait(piece.chunk.id);
    if (piece.loaded != nullptr) break;
    const ChunkCache::Answer answer = shared_->cache.Ask(piece.chunk.id);
    piece.loaded = answer.chunk;
    piece.mine = answer.mine;
    if (piece.mine) return Load({&piece, 1});
  }
  return {};
}

void SnapshotReader::Copy(const Piece& piece, uint64_t offset, MutableByteSpan into) const {
  const uint64_t chunk_begin = piece.index * geometry_.chunk_size();
  const uint64_t begin = std::max(offset, chunk_begin);
  const uint64_t end =
      std::min(offset + into.size(), chunk_begin + geometry_.ChunkLength(piece.index));
  const MutableByteSpan to = into.subspan(begin - offset, end - begin);
  if (piece.chunk.IsZero()) {
    std::fill(to.begin(), to.end(), uint8_t{0});
  } else {
    const ByteSpan from = piece.loaded->span().subspan(begin - chunk_begin, to.size());
    std::copy(from.begin(), from.end(), to.begin());
  }
}

Status SnapshotReader::ReadAt(uint64_t offset, MutableByteSpan into) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, into.size()));
  VARVE_ASSIGN_OR_RETURN(std::vector<Piece> pieces, Plan(offset, into.size()));
  NoteRead(offset, into.size());
  for (Piece& piece : pieces) {
    if (piece.chunk.IsZero()) continue;
    const ChunkCache::Answer answer = shared_->cache.Ask(piece.chunk.id);
    piece.loaded = answer.chunk;
    piece.mine = answer.mine;
  }
  // What is ours first, all of it: others may wait for it while we wait for theirs.
  VARVE_RETURN_IF_ERROR(Load(pieces));
  for (Piece& piece : pieces) {
    if (!piece.chunk.IsZero()) VARVE_RETURN_IF_ERROR(WaitFor(piece));
    if (!piece.chunk.IsZero() && piece.loaded->size() != geometry_.ChunkLength(piece.index)) {
      // The same id stands for one content; a tree that uses it for another length is damaged.
      return Located(Corruption("chunk " + piece.chunk.id.Hex() + ": is " +
                                std::to_string(piece.loaded->size()) + " bytes"),
                     piece.index);
    }
    Copy(piece, offset, into);
  }
  return {};
}

void SnapshotReader::NoteRead(uint64_t offset, uint64_t length) {
  std::optional<SequentialDetector::Range> ahead;
  {
    const std::lock_guard lock(mutex_);
    ahead = detector_.Note(offset, length);
  }
  if (!ahead) return;
  for (uint64_t begin = ahead->begin; begin < ahead->end;) {
    const uint64_t end = std::min(RoundDown(begin, kAheadPiece) + kAheadPiece, ahead->end);
    shared_->pool.Offer(this, [this, begin, end] { LoadAhead(begin, end - begin); });
    begin = end;
  }
}

// A failure is nobody's yet: whoever wants the bytes will meet it and say so.
void SnapshotReader::LoadAhead(uint64_t offset, uint64_t length) {
  Result<std::vector<Piece>> pieces = Plan(offset, length);
  if (!pieces.ok()) return;
  for (Piece& piece : *pieces) {
    piece.mine = !piece.chunk.IsZero() && shared_->cache.Ask(piece.chunk.id).mine;
  }
  [[maybe_unused]] const Status loaded = Load(*pieces);
}

Result<bool> SnapshotReader::IsData(uint64_t chunk_index) {
  VARVE_ASSIGN_OR_RETURN(const auto leaf, tree_.Leaf(chunk_index / kLeafChunks));
  return !leaf->chunks[chunk_index % kLeafChunks].IsZero();
}

Result<ViewExtent> SnapshotReader::NextExtent(uint64_t offset) {
  if (offset >= size_bytes()) {
    return InvalidArgument("offset " + std::to_string(offset) + " is not inside the volume of " +
                           std::to_string(size_bytes()));
  }
  uint64_t index = offset / geometry_.chunk_size();
  VARVE_ASSIGN_OR_RETURN(const bool is_data, IsData(index));
  const uint64_t count = geometry_.ChunkCount();
  while (++index < count) {
    if (!is_data && index % kLeafChunks == 0) {  // over whole zero subtrees at once
      VARVE_ASSIGN_OR_RETURN(const std::optional<uint64_t> leaf,
                             NextNonZeroLeaf(tree_, index / kLeafChunks));
      index = leaf ? std::max(index, *leaf * kLeafChunks) : count;
      if (index >= count) break;
    }
    VARVE_ASSIGN_OR_RETURN(const bool next_is_data, IsData(index));
    if (next_is_data != is_data) break;
  }
  return ViewExtent{offset, std::min(std::min(index, count) * geometry_.chunk_size(), size_bytes()),
                    is_data};
}

Result<uint64_t> SnapshotReader::DataBytes() {
  if (record_.root.IsZero()) return uint64_t{0};
  VARVE_ASSIGN_OR_RETURN(const NodeRef root, tree_.Reference(geometry_.root_level(), 0));
  // Counts of damaged nodes may be anything; more than the volume is not possible.
  const uint64_t chunks = std::min(root.chunk_count, geometry_.ChunkCount());
  return std::min(chunks * geometry_.chunk_size(), size_bytes());
}

}  // namespace varve
