#include "restore/snapshot_reader.h"

#include <algorithm>

#include "tree/tree_walk.h"

namespace varve {
namespace {
constexpr uint32_t kLeafBatch = 4;
}

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(Repository& repository,
                                                             const SnapshotRecord& record,
                                                             size_t cache_bytes) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  return std::unique_ptr<SnapshotReader>(
      new SnapshotReader(repository, *index, record, cache_bytes));
}

SnapshotReader::SnapshotReader(Repository& repository, Index& index, const SnapshotRecord& record,
                               size_t cache_bytes)
    : repository_(repository),
      index_(index),
      record_(record),
      geometry_(record.size_bytes, record.chunk_size_bytes),
      tree_(repository.storage(), index, repository.config().id_key, {record.root, geometry_},
            "snapshot " + record.id.Hex(), kLeafBatch),
      cache_(cache_bytes) {}

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

Status SnapshotReader::ReadAt(uint64_t offset, MutableByteSpan into) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, into.size()));
  while (!into.empty()) {
    const uint64_t index = offset / geometry_.chunk_size();
    const uint64_t within = offset % geometry_.chunk_size();
    const uint32_t chunk_length = geometry_.ChunkLength(index);
    const size_t length = std::min<uint64_t>(into.size(), chunk_length - within);
    VARVE_ASSIGN_OR_RETURN(const auto leaf, tree_.Leaf(index / kLeafChunks));
    const ChunkRef& reference = leaf->chunks[index % kLeafChunks];
    if (reference.IsZero()) {
      std::fill_n(into.begin(), length, uint8_t{0});
    } else {
      const auto load = [&]() -> Result<ChunkCache::Chunk> {
        auto bytes = std::make_shared<Bytes>(chunk_length);
        ChunkRequest request{reference, *bytes, {}};
        std::unique_ptr<ChunkLoader> loader = TakeLoader();
        const Status loaded = loader->Load({&request, 1});
        ReturnLoader(std::move(loader));
        VARVE_RETURN_IF_ERROR(loaded);
        if (!request.status.ok()) {
          return request.status.WithContext("volume range " +
                                            std::to_string(index * geometry_.chunk_size()) + "+" +
                                            std::to_string(chunk_length));
        }
        return ChunkCache::Chunk(std::move(bytes));
      };
      VARVE_ASSIGN_OR_RETURN(const ChunkCache::Chunk chunk, cache_.Get(reference.id, load));
      if (chunk->size() != chunk_length) {
        return Corruption("chunk " + reference.id.Hex() + ": is " + std::to_string(chunk->size()) +
                          " bytes, its place has " + std::to_string(chunk_length));
      }
      std::copy_n(chunk->begin() + static_cast<ptrdiff_t>(within), length, into.begin());
    }
    offset += length;
    into = into.subspan(length);
  }
  return {};
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

}  // namespace varve
