#include "heal/tree_healer.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/limits.h"

namespace varve {
namespace {

ContentKind KindOf(uint32_t level) {
  return level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
}

size_t NodeBytes(uint32_t level, uint32_t entries) {
  return kNodeHeaderBytes + entries * (level == 0 ? kLeafEntryBytes : kInnerEntryBytes);
}

// Failures that mean "these bytes cannot be had"; any other ends the walk.
bool IsLoss(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kNotFound ||
         status.code() == Code::kIo || status.code() == Code::kUnsupported;
}

}  // namespace

TreeHealer::TreeHealer(varve::Repository& repository, Index& index,
                       std::vector<HealSource*> sources, Keep keep)
    : repository_(repository),
      index_(index),
      sources_(std::move(sources)),
      keep_(std::move(keep)),
      frames_(repository.storage(), index),
      hasher_(repository.config().id_key) {}

Result<std::vector<HurtRange>> TreeHealer::Heal(const SnapshotRecord& record, Progress& progress) {
  Walk walk{record, TreeGeometry(record.size_bytes, record.chunk_size_bytes), progress, {}};
  if (!record.root.IsZero()) {
    VARVE_RETURN_IF_ERROR(VisitNode(walk, walk.geometry.root_level(), 0, record.root).status());
  }
  return std::move(walk.lost);
}

Result<ContentId> TreeHealer::ComputeRoot(const SnapshotRecord& record, HealSource& source,
                                          Progress& progress) {
  if (source.SharesIds() || record.root.IsZero()) return record.root;
  Walk walk{record, TreeGeometry(record.size_bytes, record.chunk_size_bytes), progress, {}};
  Bytes bytes;
  VARVE_ASSIGN_OR_RETURN(const NodeRef root,
                         Compute(walk, source, walk.geometry.root_level(), 0, &bytes));
  return root.id;
}

void TreeHealer::Lose(Walk& walk, uint64_t begin_chunk, uint64_t end_chunk,
                      const std::string& why) {
  const uint64_t chunk_size = walk.geometry.chunk_size();
  const uint64_t begin = begin_chunk * chunk_size;
  const uint64_t end = std::min(end_chunk * chunk_size, walk.geometry.size_bytes());
  if (!walk.lost.empty() && walk.lost.back().end == begin && walk.lost.back().why == why) {
    walk.lost.back().end = end;
  } else {
    walk.lost.push_back({begin, end, why});
  }
}

// True if everything below can be read now.
Result<bool> TreeHealer::VisitNode(Walk& walk, uint32_t level, uint64_t index,
                                   const ContentId& id) {
  if (walk.progress.cancelled) return Cancelled("interrupted");
  if (whole_.contains(id)) return true;
  Bytes bytes;
  VARVE_ASSIGN_OR_RETURN(bool whole, GetNode(walk, level, index, id, &bytes));
  if (!whole) return false;
  const std::string name = "node " + id.Hex();
  const uint32_t entries = walk.geometry.EntryCount(level, index);
  if (level == 0) {
    VARVE_ASSIGN_OR_RETURN(const auto chunks, DecodeLeaf(name, bytes, entries));
    VARVE_ASSIGN_OR_RETURN(whole, VisitLeaf(walk, index, chunks));
  } else {
    VARVE_ASSIGN_OR_RETURN(const auto children, DecodeInner(name, bytes, level, entries));
    for (size_t i = 0; i < children.size(); ++i) {
      if (children[i].IsZero()) continue;
      VARVE_ASSIGN_OR_RETURN(const bool child_whole,
                             VisitNode(walk, level - 1, index * kNodeFanout + i, children[i].id));
      whole = whole && child_whole;
    }
  }
  if (whole) whole_.insert(id);
  return whole;
}

// The node's bytes, read or healed. False: lost, and said so.
Result<bool> TreeHealer::GetNode(Walk& walk, uint32_t level, uint64_t index, const ContentId& id,
                                 Bytes* bytes) {
  if (const auto healed = nodes_.find(id); healed != nodes_.end()) {
    *bytes = healed->second;
    return true;
  }
  Status read =
      ReadNode(KindOf(level), id, NodeBytes(level, walk.geometry.EntryCount(level, index)), bytes);
  if (!read.ok() && !IsLoss(read)) return read;
  if (read.ok()) {
    // It may be readable and yet in a frame that leaves with its pack.
    std::vector<std::optional<Place>> place;
    VARVE_RETURN_IF_ERROR(index_.FindUsable({&id, 1}, &place));
    if (place[0] && place[0]->usable) return true;
    read = Corruption("node " + id.Hex() + ": its frame is damaged");
  }
  VARVE_ASSIGN_OR_RETURN(const bool healed, HealNode(walk, level, index, id, bytes));
  if (!healed) {
    const uint64_t chunks = TreeGeometry::ChunksBelow(level);
    Lose(walk, index * chunks, (index + 1) * chunks, read.message());
  }
  return healed;
}

Status TreeHealer::ReadNode(ContentKind kind, const ContentId& id, size_t size_bytes,
                            Bytes* bytes) {
  bytes->resize(size_bytes);
  FrameRequest request;
  request.id = id;
  request.kind = kind;
  request.into = *bytes;
  VARVE_RETURN_IF_ERROR(frames_.ReadMany({&request, 1}));
  VARVE_RETURN_IF_ERROR(request.status);
  const std::string name = "node " + id.Hex();
  if (request.length != size_bytes) {
    return Corruption(name + ": is " + std::to_string(request.length) + " bytes, " +
                      std::to_string(size_bytes) + " expected");
  }
  if (hasher_.Compute(kind, *bytes) != id) return Corruption(name + ": its bytes have another id");
  return {};
}

Result<bool> TreeHealer::HealNode(Walk& walk, uint32_t level, uint64_t index, const ContentId& id,
                                  Bytes* bytes) {
  const ContentKind kind = KindOf(level);
  for (HealSource* source : sources_) {
    bool found = source->ReadById(kind, id, bytes).ok() && hasher_.Compute(kind, *bytes) == id;
    if (!found) {
      const Result<NodeRef> computed = Compute(walk, *source, level, index, bytes);
      if (computed.status().code() == Code::kCancelled) return computed.status();
      found = computed.ok() && computed->id == id;
    }
    if (!found) continue;
    VARVE_RETURN_IF_ERROR(KeepHealed(*source, kind, id, *bytes));
    nodes_[id] = *bytes;
    return true;
  }
  return false;
}

Result<NodeRef> TreeHealer::Compute(Walk& walk, HealSource& source, uint32_t level, uint64_t index,
                                    Bytes* bytes) {
  if (walk.progress.cancelled) return Cancelled("interrupted");
  const TreeGeometry& geometry = walk.geometry;
  NodeRef node;
  if (level > 0) {
    std::vector<NodeRef> children(geometry.EntryCount(level, index));
    for (size_t i = 0; i < children.size(); ++i) {
      VARVE_ASSIGN_OR_RETURN(children[i],
                             Compute(walk, source, level - 1, index * kNodeFanout + i, bytes));
      node.chunk_count += children[i].chunk_count;
    }
    if (node.chunk_count == 0) return node;
    *bytes = EncodeInner(level, children);
  } else {
    const uint64_t begin = index * geometry.LeafBytes();
    const uint64_t end = std::min(begin + geometry.LeafBytes(), geometry.size_bytes());
    leaf_bytes_.resize(end - begin);
    VARVE_RETURN_IF_ERROR(source.ReadRange(walk.record, begin, leaf_bytes_));
    std::vector<ChunkRef> chunks(geometry.EntryCount(0, index));
    for (size_t i = 0; i < chunks.size(); ++i) {
      const ByteSpan chunk =
          ByteSpan(leaf_bytes_)
              .subspan(i * geometry.chunk_size(), geometry.ChunkLength(index * kLeafChunks + i));
      if (IsAllZero(chunk)) continue;
      chunks[i].id = hasher_.Compute(ContentKind::kChunk, chunk);
      chunks[i].fingerprint = ComputeFingerprint(repository_.config().fingerprint_secret, chunk);
      ++node.chunk_count;
    }
    if (node.chunk_count == 0) return node;
    *bytes = EncodeLeaf(chunks);
  }
  node.id = hasher_.Compute(KindOf(level), *bytes);
  return node;
}

Result<bool> TreeHealer::VisitLeaf(Walk& walk, uint64_t leaf, const std::vector<ChunkRef>& chunks) {
  std::vector<size_t> missing;
  VARVE_RETURN_IF_ERROR(FindMissing(chunks, &missing));
  bool whole = true;
  for (const size_t position : missing) {
    const uint64_t chunk_index = leaf * kLeafChunks + position;
    const ContentId& id = chunks[position].id;
    VARVE_ASSIGN_OR_RETURN(const bool healed, HealChunk(walk, chunk_index, id));
    if (healed) continue;
    whole = false;
    Lose(walk, chunk_index, chunk_index + 1, "no good frame of its chunks is left");
  }
  return whole;
}

// Positions of chunks that have no frame to rely on: none at all, a damaged one, or a delta whose
// base is so.
Status TreeHealer::FindMissing(const std::vector<ChunkRef>& chunks, std::vector<size_t>* missing) {
  std::vector<ContentId> ids;
  std::vector<size_t> positions;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].IsZero() || healed_.contains(chunks[i].id)) continue;
    ids.push_back(chunks[i].id);
    positions.push_back(i);
  }
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(index_.FindMany(ids, &places));
  std::vector<ContentId> base_ids;
  for (const std::optional<Place>& place : places) {
    base_ids.push_back(place ? place->frame.base : ContentId{});
  }
  std::vector<std::optional<Place>> bases;
  VARVE_RETURN_IF_ERROR(index_.FindMany(base_ids, &bases));
  for (size_t k = 0; k < ids.size(); ++k) {
    bool good = places[k] && places[k]->usable;
    if (good && places[k]->frame.encoding == Encoding::kDelta) {
      good = healed_.contains(base_ids[k]) ||
             (bases[k] && bases[k]->usable && bases[k]->frame.encoding != Encoding::kDelta);
    }
    if (!good) missing->push_back(positions[k]);
  }
  return {};
}

Result<bool> TreeHealer::HealChunk(Walk& walk, uint64_t chunk_index, const ContentId& id) {
  if (healed_.contains(id)) return true;  // the same chunk twice in one leaf
  const uint32_t length = walk.geometry.ChunkLength(chunk_index);
  Bytes raw;
  for (HealSource* source : sources_) {
    bool found = source->ReadById(ContentKind::kChunk, id, &raw).ok() && raw.size() == length &&
                 hasher_.Compute(ContentKind::kChunk, raw) == id;
    if (!found) {
      raw.resize(length);
      found = source->ReadRange(walk.record, chunk_index * walk.geometry.chunk_size(), raw).ok() &&
              hasher_.Compute(ContentKind::kChunk, raw) == id;
    }
    if (!found) continue;
    VARVE_RETURN_IF_ERROR(KeepHealed(*source, ContentKind::kChunk, id, raw));
    return true;
  }
  return false;
}

Status TreeHealer::KeepHealed(const HealSource& source, ContentKind kind, const ContentId& id,
                              ByteSpan raw) {
  VARVE_RETURN_IF_ERROR(keep_(kind, id, raw));
  healed_.insert(id);
  ++healed_by_source_[source.Name()];
  return {};
}

}  // namespace varve
