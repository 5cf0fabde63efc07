#include "snapshot/leaf_worker.h"

#include <algorithm>

namespace varve {

LeafWorker::LeafWorker(SnapshotPlant& plant, std::unique_ptr<BlockReader> reader)
    : plant_(plant),
      reader_(std::move(reader)),
      hasher_(plant.id_key),
      frames_(plant.storage, plant.index, PackPages::kPassed),
      writer_(plant.compression_level),
      batch_(plant.geometry.LeafBytes() + size_t{kLeafChunks} * kDeltaHeaderBytes),
      nodes_(plant.storage, plant.index, plant.pending, plant.node_packs, plant.account,
             plant.prove, plant.compression_level) {}

Status LeafWorker::StartReads() {
  while (reading_.size() < kSlots) {
    VARVE_ASSIGN_OR_RETURN(std::optional<LeafTask> task, plant_.scheduler.Next());
    if (!task) break;
    const size_t slot = next_slot_++ % kSlots;
    if (!task->runs.empty()) VARVE_RETURN_IF_ERROR(reader_->StartRuns(slot, task->runs));
    reading_.push_back({*std::move(task), slot});
  }
  return {};
}

Status LeafWorker::Run() {
  while (true) {
    VARVE_RETURN_IF_ERROR(StartReads());
    if (reading_.empty()) return {};
    const Reading& reading = reading_.front();
    ByteSpan bytes;
    if (!reading.task.runs.empty()) {
      VARVE_ASSIGN_OR_RETURN(bytes, reader_->Wait(reading.slot));
    }
    for (const BlockRun& run : reading.task.runs)
      plant_.counters.bytes_read += run.length;
    VARVE_RETURN_IF_ERROR(ProcessLeaf(reading.task, bytes));
    reading_.pop_front();
  }
}

Status LeafWorker::ProcessLeaf(const LeafTask& task, ByteSpan bytes) {
  older_ = plant_.parent == nullptr ? nullptr : plant_.parent->Node(0, task.leaf);
  FindChanged(task, bytes);
  plant_.counters.chunks_changed += changed_.size();
  // Beyond this point `chunks_` says what the leaf is; what remains is to store what is new.
  std::erase_if(changed_, [&](const Changed& c) { return chunks_[c.position].IsZero(); });
  if (plant_.prove && older_ != nullptr) VARVE_RETURN_IF_ERROR(FindLost(task, bytes));
  if (!changed_.empty()) {
    VARVE_RETURN_IF_ERROR(KeepUnknown());
    VARVE_RETURN_IF_ERROR(FindBases());
    VARVE_RETURN_IF_ERROR(StoreChanged());
  }
  VARVE_ASSIGN_OR_RETURN(const NodeRef leaf, StoreLeaf());
  return plant_.assembly.Submit(task, leaf);
}

ByteSpan LeafWorker::ChunkBytes(const LeafTask& task, ByteSpan bytes, uint32_t position) const {
  const uint64_t index = task.leaf * kLeafChunks + position;
  const uint64_t offset = index * plant_.geometry.chunk_size();
  for (const BlockRun& run : task.runs) {
    if (offset >= run.offset + run.length) continue;
    if (offset < run.offset) break;
    return bytes.subspan(offset - task.runs.front().offset, plant_.geometry.ChunkLength(index));
  }
  return {};
}

ChunkRef LeafWorker::OlderChunk(uint32_t position) const {
  if (older_ == nullptr || position >= older_->chunks.size()) return {};
  return older_->chunks[position];
}

// Fills in `chunks_` for the whole leaf and `changed_` with what differs from the parent.
void LeafWorker::FindChanged(const LeafTask& task, ByteSpan bytes) {
  chunks_.assign(plant_.geometry.EntryCount(0, task.leaf), ChunkRef{});
  for (uint32_t i = 0; i < chunks_.size(); ++i) {
    if ((task.taken_over >> i & 1) != 0) {
      chunks_[i] = OlderChunk(i);
      continue;
    }
    const ByteSpan chunk = ChunkBytes(task, bytes, i);
    if (IsAllZero(chunk)) continue;
    chunks_[i].fingerprint = ComputeFingerprint(plant_.fingerprint_secret, chunk);
    const ChunkRef older = OlderChunk(i);
    if (!older.IsZero() && chunks_[i].fingerprint == older.fingerprint && !plant_.audit) {
      chunks_[i].id = older.id;
      continue;
    }
    unidentified_.push_back(i);
    unidentified_bytes_.push_back(chunk);
    if (unidentified_.size() == kHashBatch) IdentifyPending();
  }
  IdentifyPending();
  changed_.clear();
  for (uint32_t i = 0; i < chunks_.size(); ++i) {
    const ChunkRef older = OlderChunk(i);
    if (chunks_[i] == older) continue;
    changed_.push_back({.position = i, .bytes = ChunkBytes(task, bytes, i)});
    const bool looked_unchanged =
        !chunks_[i].IsZero() && chunks_[i].fingerprint == older.fingerprint;
    if (looked_unchanged) ++plant_.counters.audit_misses;
    if ((task.sampled >> i & 1) != 0) {
      ++plant_.counters.sample_misses;
      plant_.scheduler.Stop();  // all this will be done again, by scan
    }
  }
}

void LeafWorker::IdentifyPending() {
  ids_.resize(unidentified_.size());
  hasher_.ComputeMany(ContentKind::kChunk, unidentified_bytes_, ids_);
  for (size_t i = 0; i < ids_.size(); ++i)
    chunks_[unidentified_[i]].id = ids_[i];
  unidentified_.clear();
  unidentified_bytes_.clear();
}

// Adds to `changed_` the unchanged chunks that no usable frame holds any more.
Status LeafWorker::FindLost(const LeafTask& task, ByteSpan bytes) {
  std::vector<ContentId> ids;
  std::vector<uint32_t> positions;
  auto changed = changed_.begin();  // ascending, as the loop is
  for (uint32_t i = 0; i < chunks_.size(); ++i) {
    const bool is_changed = changed != changed_.end() && changed->position == i;
    if (is_changed) ++changed;
    if (is_changed || chunks_[i].IsZero()) continue;
    ids.push_back(chunks_[i].id);
    positions.push_back(i);
  }
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(plant_.index.FindUsable(ids, &places));
  for (size_t k = 0; k < ids.size(); ++k) {
    if (places[k] && places[k]->usable) {
      if (plant_.foreign_parent) VARVE_RETURN_IF_ERROR(plant_.account.Reuse(*places[k]));
      continue;
    }
    ++plant_.counters.frames_lost;
    changed_.push_back(
        {.position = positions[k], .bytes = ChunkBytes(task, bytes, positions[k]), .whole = true});
  }
  return {};
}

// Drops from `changed_` what the repository has already or another worker stores right now.
Status LeafWorker::KeepUnknown() {
  const auto id_of = [&](const Changed& c) { return chunks_[c.position].id; };
  const size_t all = changed_.size();
  std::erase_if(changed_, [&](const Changed& c) { return !plant_.pending.Claim(id_of(c)); });
  std::vector<ContentId> ids;
  for (const Changed& changed : changed_)
    ids.push_back(id_of(changed));
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(plant_.index.FindUsable(ids, &places));
  std::vector<Changed> unknown;
  for (size_t i = 0; i < changed_.size(); ++i) {
    if (places[i] && places[i]->usable) {
      plant_.pending.Release(ids[i]);
      VARVE_RETURN_IF_ERROR(plant_.account.Reuse(*places[i]));
    } else {
      unknown.push_back(changed_[i]);
      if (places[i]) unknown.back().whole = true;
    }
  }
  changed_ = std::move(unknown);
  plant_.counters.chunks_deduplicated += all - changed_.size();
  return {};
}

// Finds and reads what the new chunks can be deltas of: the parent's chunk at the same place, or
// that chunk's base if it is a delta itself.
Status LeafWorker::FindBases() {
  if (older_ == nullptr || changed_.empty()) return {};
  std::vector<ContentId> older_ids;
  std::vector<Changed*> candidates;
  for (Changed& changed : changed_) {
    if (changed.whole || changed.position >= older_->chunks.size()) continue;
    if (older_->chunks[changed.position].IsZero()) continue;
    older_ids.push_back(older_->chunks[changed.position].id);
    candidates.push_back(&changed);
  }
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(plant_.index.FindUsable(older_ids, &places));
  const size_t chunk_size = plant_.geometry.chunk_size();
  if (bases_.size() < candidates.size() * chunk_size) {
    bases_ = AlignedBuffer(plant_.geometry.LeafBytes());
  }
  std::vector<FrameRequest> requests;
  std::vector<Changed*> receivers;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!places[i] || !places[i]->usable) continue;
    const FrameInfo& frame = places[i]->frame;
    FrameRequest request;
    request.id = frame.encoding == Encoding::kDelta ? frame.base : frame.id;
    request.into = bases_.span().subspan(requests.size() * chunk_size, chunk_size);
    requests.push_back(request);
    receivers.push_back(candidates[i]);
  }
  VARVE_RETURN_IF_ERROR(frames_.ReadMany(requests));
  std::vector<ContentId> damaged;
  for (size_t i = 0; i < requests.size(); ++i) {
    const FrameRequest& request = requests[i];
    if (!request.status.ok() || !request.checked) {
      damaged.push_back(request.id);  // the chunk is stored whole: nothing is lost
    } else if (request.id != chunks_[receivers[i]->position].id) {
      receivers[i]->base =
          DeltaBase{request.id, request.into.first(request.length), request.frame.stored_length};
    }
  }
  if (damaged.empty()) return {};
  // Other chunks of the volume may be it, or stand on it: they are stored again.
  plant_.counters.bases_unreadable += damaged.size();
  return plant_.index.Distrust(damaged);
}

Status LeafWorker::StoreChanged() {
  batch_.Clear();
  for (const Changed& changed : changed_) {
    VARVE_RETURN_IF_ERROR(writer_.Append(ContentKind::kChunk, chunks_[changed.position].id,
                                         changed.bytes, changed.base ? &*changed.base : nullptr,
                                         &batch_));
  }
  return plant_.chunk_packs.Append(batch_);
}

Result<NodeRef> LeafWorker::StoreLeaf() {
  NodeRef leaf;
  leaf.chunk_count = static_cast<uint64_t>(
      std::count_if(chunks_.begin(), chunks_.end(), [](const ChunkRef& c) { return !c.IsZero(); }));
  if (leaf.chunk_count == 0) return NodeRef{};
  if (older_ != nullptr && older_->chunks == chunks_) {
    leaf.id = older_->id;
    return leaf;
  }
  const Bytes bytes = EncodeLeaf(chunks_);
  leaf.id = hasher_.Compute(ContentKind::kLeaf, bytes);
  VARVE_RETURN_IF_ERROR(nodes_.Store({0, leaf.id, bytes, older_}));
  return leaf;
}

}  // namespace varve
