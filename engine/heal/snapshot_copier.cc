#include "heal/snapshot_copier.h"

#include <algorithm>
#include <set>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "heal/heal_writer.h"
#include "heal/snapshot_volume.h"
#include "io/aligned_buffer.h"
#include "repo/quota_meter.h"
#include "snapshot/snapshotter.h"
#include "store/frame_reader.h"
#include "tree/tree_reader.h"

namespace varve {
namespace {

constexpr uint32_t kLeafBatch = 32;
constexpr size_t kReaderCacheBytes = 64 * kMiB;

ContentKind KindOf(uint32_t level) {
  return level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
}

SnapshotOrigin OriginOf(const SnapshotRecord& record, const RepositoryId& source) {
  if (record.origin) return *record.origin;  // a copy of a copy is from where it was taken
  return {source, record.sequence, record.parent, record.predecessor};
}

// The volume's latest snapshot in the target: what the copy is compared with.
Result<std::optional<SnapshotRecord>> FindParent(Repository& target, const SnapshotRecord& record) {
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, target.Snapshots(&damaged));
  std::optional<SnapshotRecord> parent;
  for (const SnapshotRecord& other : records) {
    if (other.volume_name == record.volume_name && other.size_bytes > 0 &&
        other.chunk_size_bytes == record.chunk_size_bytes) {
      parent = other;
    }
  }
  return parent;
}

TreeRoot RootOf(const SnapshotRecord& record) {
  return {record.root, TreeGeometry(record.size_bytes, record.chunk_size_bytes)};
}

// From a repository to one with the same ids.
class TreeCopy {
 public:
  TreeCopy(Repository& source, Index& source_index, const SnapshotRecord& record,
           Repository& target, Index& target_index, const std::optional<SnapshotRecord>& parent,
           QuotaMeter* quota, Progress& progress)
      : source_(source),
        record_(record),
        target_(target),
        target_index_(target_index),
        parent_(parent),
        account_(quota),
        progress_(progress),
        tree_(source.storage(), source_index, source.config().id_key, RootOf(record),
              "snapshot " + record.id.Hex(), kLeafBatch),
        frames_(source.storage(), source_index),
        hasher_(source.config().id_key),
        raw_(std::max<uint64_t>(tree_.geometry().LeafBytes(), kNodeBytesMax)),
        writer_(target, target_index, "copy of " + record.id.Short(),
                parent ? std::vector{parent->id} : std::vector<SnapshotId>(), &account_) {}

  Status Run() {
    VARVE_RETURN_IF_ERROR(writer_.Begin());
    VARVE_RETURN_IF_ERROR(OpenParent());
    if (!record_.root.IsZero()) {
      VARVE_RETURN_IF_ERROR(Visit(tree_.geometry().root_level(), 0));
    }
    VARVE_RETURN_IF_ERROR(writer_.Finish());
    // Beyond this point the whole tree is durable in the target. The record is all that lacks.
    VARVE_RETURN_IF_ERROR(Commit());
    return target_index_.MarkProved(record_.id);
  }

  CopyReport TakeReport() {
    report_.bytes_read = frames_.bytes_read();
    return std::move(report_);
  }

 private:
  // Subtrees of the parent may be adopted unseen only if it is proved that they are all there.
  Status OpenParent() {
    if (!parent_) return {};
    VARVE_ASSIGN_OR_RETURN(adopts_, target_index_.IsProved(parent_->id));
    parent_tree_ =
        std::make_unique<TreeReader>(target_.storage(), target_index_, target_.config().id_key,
                                     RootOf(*parent_), "snapshot " + parent_->id.Hex(), kLeafBatch);
    return {};
  }

  bool ParentHas(uint32_t level, uint64_t index, const ContentId& id) {
    if (parent_tree_ == nullptr) return false;
    const TreeGeometry& geometry = parent_tree_->geometry();
    if (level > geometry.root_level() || index >= geometry.NodeCount(level)) return false;
    const Result<NodeRef> reference = parent_tree_->Reference(level, index);
    return reference.ok() && reference->id == id;
  }

  Status Visit(uint32_t level, uint64_t index) {
    if (progress_.cancelled) return Cancelled("interrupted");
    VARVE_ASSIGN_OR_RETURN(const NodeRef reference, tree_.Reference(level, index));
    if (reference.IsZero()) return {};
    if (adopts_ && ParentHas(level, index, reference.id)) return {};
    const TreeGeometry& geometry = tree_.geometry();
    if (level == 0) {
      VARVE_RETURN_IF_ERROR(CopyChunks(index));
      progress_.bytes_done = std::min((index + 1) * geometry.LeafBytes(), geometry.size_bytes());
    } else {
      const uint32_t children = geometry.EntryCount(level, index);
      for (uint32_t i = 0; i < children; ++i) {
        VARVE_RETURN_IF_ERROR(Visit(level - 1, index * kNodeFanout + i));
      }
    }
    return CopyNode(level, index, reference.id);
  }

  // Which of these chunks the parent has at the same place.
  std::set<ContentId> OfParent(uint64_t leaf, const std::vector<ChunkRef>& chunks) {
    std::set<ContentId> ids;
    if (parent_tree_ == nullptr || leaf >= parent_tree_->geometry().NodeCount(0)) return ids;
    const auto older = parent_tree_->Leaf(leaf);
    if (!older.ok()) return ids;
    const size_t common = std::min(chunks.size(), (*older)->chunks.size());
    for (size_t i = 0; i < common; ++i) {
      if (chunks[i] == (*older)->chunks[i]) ids.insert(chunks[i].id);
    }
    return ids;
  }

  // Of `ids`, the positions that the target lacks and this copy has not sent yet: they are claimed.
  Status KeepMissing(const std::vector<ContentId>& ids, const std::set<ContentId>& of_parent,
                     std::vector<size_t>* missing) {
    std::vector<ContentId> claimed;
    std::vector<size_t> positions;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!writer_.Claim(ids[i])) continue;
      claimed.push_back(ids[i]);
      positions.push_back(i);
    }
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(target_index_.FindUsable(claimed, &places));
    for (size_t k = 0; k < claimed.size(); ++k) {
      if (places[k] && places[k]->usable) {
        writer_.Release(claimed[k]);
        if (of_parent.contains(claimed[k])) {
          account_.Require(places[k]->pack);
        } else {
          VARVE_RETURN_IF_ERROR(account_.Reuse(*places[k]));
        }
      } else {
        missing->push_back(positions[k]);
      }
    }
    return {};
  }

  Status CopyChunks(uint64_t leaf) {
    VARVE_ASSIGN_OR_RETURN(const auto node, tree_.Leaf(leaf));
    std::vector<ContentId> ids;
    std::vector<size_t> positions;
    for (size_t i = 0; i < node->chunks.size(); ++i) {
      if (node->chunks[i].IsZero()) continue;
      ids.push_back(node->chunks[i].id);
      positions.push_back(i);
    }
    std::vector<size_t> missing;
    VARVE_RETURN_IF_ERROR(KeepMissing(ids, OfParent(leaf, node->chunks), &missing));
    report_.chunks_known += ids.size() - missing.size();
    if (missing.empty()) return {};
    std::vector<FrameRequest> requests;
    for (const size_t k : missing) {
      const uint64_t index = leaf * kLeafChunks + positions[k];
      FrameRequest request;
      request.id = ids[k];
      request.into = raw_.span().subspan(positions[k] * tree_.geometry().chunk_size(),
                                         tree_.geometry().ChunkLength(index));
      requests.push_back(request);
    }
    VARVE_RETURN_IF_ERROR(frames_.ReadMany(requests));
    for (size_t i = 0; i < requests.size(); ++i) {
      const size_t position = positions[missing[i]];
      VARVE_RETURN_IF_ERROR(
          Send(requests[i])
              .WithContext("chunk at " + std::to_string((leaf * kLeafChunks + position) *
                                                        tree_.geometry().chunk_size())));
      ++report_.chunks_sent;
    }
    return {};
  }

  Status CopyNode(uint32_t level, uint64_t index, const ContentId& id) {
    std::vector<size_t> missing;
    std::set<ContentId> of_parent;
    if (ParentHas(level, index, id)) of_parent.insert(id);
    VARVE_RETURN_IF_ERROR(KeepMissing({id}, of_parent, &missing));
    if (missing.empty()) return {};
    FrameRequest request;
    request.id = id;
    request.kind = KindOf(level);
    request.into = raw_.span();
    VARVE_RETURN_IF_ERROR(frames_.ReadMany({&request, 1}));
    VARVE_RETURN_IF_ERROR(
        Send(request).WithContext("node " + std::to_string(level) + "/" + std::to_string(index)));
    ++report_.nodes_sent;
    return {};
  }

  // Verified by its id, then as it is stored if that can be read in the target, else encoded whole.
  Status Send(const FrameRequest& request) {
    VARVE_RETURN_IF_ERROR(request.status);
    const ByteSpan raw = request.into.first(request.length);
    if (hasher_.Compute(request.kind, raw) != request.id) {
      return Corruption(request.id.Hex() + ": its bytes have another id");
    }
    bool as_stored = !request.stored.empty();
    if (as_stored && request.frame.encoding == Encoding::kDelta) {
      std::vector<std::optional<Place>> base;
      VARVE_RETURN_IF_ERROR(target_index_.FindUsable({&request.frame.base, 1}, &base));
      as_stored = base[0] && base[0]->usable && base[0]->frame.encoding != Encoding::kDelta;
      if (as_stored) account_.Require(base[0]->pack);
    }
    if (!as_stored) return writer_.Add(request.kind, request.id, raw, nullptr);
    ++report_.frames_as_stored;
    return writer_.AddStored(request.stored, request.frame);
  }

  Status Commit() {
    report_.record = record_;
    SnapshotRecord& copy = report_.record;
    copy.origin = OriginOf(record_, source_.config().id);
    copy.parent.reset();
    if (parent_) copy.parent = parent_->id;
    copy.predecessor.reset();
    const PackStreamTotals& totals = writer_.totals();
    copy.statistics.chunks_new = report_.chunks_sent;
    copy.statistics.chunks_deduplicated = report_.chunks_known;
    copy.statistics.chunks_delta = totals.deltas;
    copy.statistics.bytes_stored = totals.bytes;
    copy.statistics.bytes_metadata = totals.bytes - totals.payload_bytes;
    copy.statistics.bytes_reused = account_.bytes_reused();
    VARVE_RETURN_IF_ERROR(target_.Commit(writer_.session(), account_.ReusedPacks(), &copy));
    report_.bytes_stored = copy.statistics.bytes_stored;
    return {};
  }

  Repository& source_;
  const SnapshotRecord& record_;
  Repository& target_;
  Index& target_index_;
  const std::optional<SnapshotRecord>& parent_;
  SnapshotAccount account_;
  Progress& progress_;
  TreeReader tree_;
  std::unique_ptr<TreeReader> parent_tree_;  // null without a parent
  bool adopts_ = false;                      // its subtrees, unseen
  FrameReader frames_;
  ContentHasher hasher_;
  AlignedBuffer raw_;
  HealWriter writer_;
  CopyReport report_;
};

// Under other keys: as if it were a volume.
Result<CopyReport> CopyAsVolume(Repository& source, const SnapshotRecord& record,
                                Repository& target, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotReader> reader,
                         SnapshotReader::Open(source, record, kReaderCacheBytes));
  const SnapshotVolume volume(*reader, record.volume_identity);
  SnapshotOptions options;
  options.volume_name = record.volume_name;
  options.consistency = record.consistency;
  options.copied = record;
  options.copied->origin = OriginOf(record, source.config().id);
  VARVE_ASSIGN_OR_RETURN(const SnapshotReport taken,
                         TakeSnapshot(target, volume, options, progress));
  CopyReport report;
  report.record = taken.record;
  report.chunks_sent = taken.record.statistics.chunks_new;
  report.chunks_known = taken.record.statistics.chunks_deduplicated;
  report.bytes_read = taken.record.statistics.bytes_read;
  report.bytes_stored = taken.record.statistics.bytes_stored;
  return report;
}

}  // namespace

Result<CopyReport> CopySnapshot(Repository& source, const SnapshotRecord& record,
                                Repository& target, Progress& progress) {
  if (source.config().id == target.config().id) {
    return InvalidArgument("source and target are the same repository");
  }
  progress.bytes_done = 0;
  progress.bytes_total = record.size_bytes;
  const bool shared_ids = source.config().id_key == target.config().id_key &&
                          source.config().fingerprint_secret == target.config().fingerprint_secret;
  CopyReport report;
  // Nobody collects the snapshot while it is read.
  VARVE_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> reading,
      source.BeginSession("copy to " + target.name(), SessionRole::kReader, {record.id}));
  const Result<SnapshotRecord> present = target.Snapshot(record.id);
  if (present.ok()) {
    report.record = *present;
    report.was_there = true;
  } else if (present.status().code() != Code::kNotFound) {
    return present.status().WithContext("target " + target.name());
  } else if (shared_ids) {
    VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<QuotaMeter> quota,
                           QuotaMeter::Begin(target, record.volume_name));
    VARVE_ASSIGN_OR_RETURN(const auto parent, FindParent(target, record));
    VARVE_ASSIGN_OR_RETURN(Index * source_index, source.index());
    VARVE_ASSIGN_OR_RETURN(Index * target_index, target.index());
    TreeCopy copy(source, *source_index, record, target, *target_index, parent, quota.get(),
                  progress);
    VARVE_RETURN_IF_ERROR(copy.Run());
    report = copy.TakeReport();
  } else {
    VARVE_ASSIGN_OR_RETURN(report, CopyAsVolume(source, record, target, progress));
  }
  report.shared_ids = shared_ids;
  progress.bytes_done = record.size_bytes;
  return report;
}

}  // namespace varve
