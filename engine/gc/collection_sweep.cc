// The second half of a round: from the mark to the end.
#include <algorithm>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "gc/collection.h"
#include "gc/pack_rewriter.h"
#include "gc/volume_need.h"
#include "repo/condemned_packs.h"
#include "store/frame_reader.h"

namespace varve {
namespace {

Status RemoveIfThere(Storage& storage, const std::string& path) {
  const Status removed = storage.Remove(path);
  return removed.code() == Code::kNotFound ? Status() : removed;
}

}  // namespace

Status Collection::SweepRound() {
  while (steps_->next() != PrunerStep::kDone) {
    if (progress_.cancelled) return Cancelled("interrupted");
    switch (steps_->next()) {
      case PrunerStep::kRemoveDeleted:
        VARVE_RETURN_IF_ERROR(RemoveDeleted());
        break;
      case PrunerStep::kTakeBack: {
        const std::vector<PackId> packs = steps_->ToTakeBack().ToVector();
        VARVE_RETURN_IF_ERROR(DropFromGroups({packs.begin(), packs.end()}));
        report_.packs_taken_back += packs.size();
        steps_->TookBack();
        break;
      }
      case PrunerStep::kUnlink:
        VARVE_RETURN_IF_ERROR(Unlink());
        break;
      case PrunerStep::kRewrite:
        VARVE_RETURN_IF_ERROR(Rewrite());
        break;
      default:
        VARVE_RETURN_IF_ERROR(Condemn());
    }
  }
  return {};
}

// The record before the tombstone: a snapshot without tombstone is never half collected.
Status Collection::RemoveDeleted() {
  const IdSet<SnapshotId> leaving = steps_->DeletedToRemove();
  VARVE_ASSIGN_OR_RETURN(
      const std::vector<VolumeQuota> measured,
      MeasureShrinkingVolumes(repository_, records_, steps_->roots(), leaving, progress_));
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_.LockCommit());
  // Before the records that the quotas count by are gone.
  VARVE_RETURN_IF_ERROR(KeepMeasured(repository_, measured));
  for (const SnapshotId& id : leaving) {
    VARVE_RETURN_IF_ERROR(RemoveIfThere(storage_, SnapshotPath(id)));
    VARVE_RETURN_IF_ERROR(
        RemoveIfThere(storage_, std::string(kTombstonesDirectory) + "/" + id.Hex()));
    ++report_.snapshots_removed;
  }
  steps_->RemovedDeleted();
  return {};
}

// Replaces each group that names one of the packs by one that does not. Until the old one is
// removed both count, which condemns a moment too long and unlinks nothing.
Status Collection::DropFromGroups(const std::set<PackId>& packs) {
  if (packs.empty()) return {};
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_.LockCommit());
  VARVE_ASSIGN_OR_RETURN(const std::vector<CondemnedRecord> groups,
                         ReadCondemned(storage_, repository_.config().id));
  for (const CondemnedRecord& group : groups) {
    CondemnedRecord rest = group;
    std::erase_if(rest.packs, [&](const PackId& pack) { return packs.count(pack) != 0; });
    if (rest.packs.size() == group.packs.size()) continue;
    if (!rest.packs.empty()) {
      rest.id = repository_.random().NewId<CondemnedId>();
      VARVE_RETURN_IF_ERROR(storage_.Publish(CondemnedPath(rest.id),
                                             EncodeCondemnedRecord(rest, repository_.config().id)));
    }
    VARVE_RETURN_IF_ERROR(RemoveIfThere(storage_, CondemnedPath(group.id)));
  }
  return {};
}

// Makes the index find these ids in the packs that stay, if they are there.
Status Collection::AddFromOtherPacks(Index& index, const std::set<ContentId>& ids) {
  const std::set<PackId> condemned = PacksOf(groups_);
  for (const PackUsage& pack : usage_.packs) {
    if (!pack.judged || condemned.count(pack.id) != 0) continue;
    VARVE_ASSIGN_OR_RETURN(std::vector<PlacedFrame> frames,
                           ReadPackFooter(storage_, pack.id, repository_.config().id));
    std::erase_if(frames, [&](const PlacedFrame& f) { return ids.count(f.info.id) == 0; });
    if (!frames.empty()) VARVE_RETURN_IF_ERROR(index.Add(pack.id, frames));
  }
  return {};
}

// Is every frame of the pack that something needs found elsewhere, by its whole id, and read there?
// A frame that stands alone must be found standing alone: deltas may need it.
Result<bool> Collection::IsCovered(Index& index, const PackUsage& pack,
                                   const std::set<PackId>& leaving) {
  VARVE_ASSIGN_OR_RETURN(std::vector<PlacedFrame> frames,
                         ReadPackFooter(storage_, pack.id, repository_.config().id));
  std::vector<PlacedFrame> needed;
  for (uint32_t i = 0; i < pack.frames; ++i) {
    if (usage_.frames.copies[pack.first_ordinal + i]) needed.push_back(frames[i]);
  }
  if (needed.empty()) return true;
  std::vector<ContentId> ids;
  for (const PlacedFrame& frame : needed)
    ids.push_back(frame.info.id);
  const auto uncovered = [&]() -> Result<std::set<ContentId>> {
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(index.FindMany(ids, &places));
    std::set<ContentId> missing;
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool alone = needed[i].info.encoding != Encoding::kDelta;
      const bool found = places[i] && leaving.count(places[i]->pack) == 0 &&
                         (!alone || places[i]->frame.encoding != Encoding::kDelta);
      if (!found) missing.insert(ids[i]);
    }
    return missing;
  };
  VARVE_ASSIGN_OR_RETURN(std::set<ContentId> missing, uncovered());
  if (!missing.empty()) {
    VARVE_RETURN_IF_ERROR(AddFromOtherPacks(index, missing));
    VARVE_ASSIGN_OR_RETURN(missing, uncovered());
    if (!missing.empty()) return false;
  }
  FrameReader reader(storage_, index);
  std::vector<FrameRequest> requests(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    requests[i].id = ids[i];
    requests[i].kind = needed[i].info.kind;
  }
  VARVE_RETURN_IF_ERROR(reader.ReadMany(requests, ReadDepth::kStored));
  Pace(reader.bytes_read());
  return std::all_of(requests.begin(), requests.end(),
                     [](const FrameRequest& request) { return request.status.ok(); });
}

Status Collection::UnlinkKnowing(Index& index, bool index_is_kept) {
  std::set<PackId> leaving = PacksOf(groups_);
  for (const PackId& stays : plan_.take_back)
    leaving.erase(stays);
  index.SetCondemned(leaving);
  std::set<PackId> unlinked;
  std::set<PackId> needed;
  for (const PackUsage& pack : plan_.unlink) {
    if (progress_.cancelled) return Cancelled("interrupted");
    VARVE_ASSIGN_OR_RETURN(const bool covered, IsCovered(index, pack, leaving));
    if (!covered) {
      repository_.Notice("pack " + pack.id.Hex() + " was condemned and is needed: it is kept");
      needed.insert(pack.id);
      continue;
    }
    unlinked.insert(pack.id);
  }
  // Beyond this point no living frame lies in a pack that goes, and the index knows where else.
  for (const PackUsage& pack : plan_.unlink) {
    if (unlinked.count(pack.id) == 0) continue;
    VARVE_RETURN_IF_ERROR(RemoveIfThere(storage_, PackPath(pack.id)));
    ++report_.packs_unlinked;
    report_.bytes_unlinked += pack.size_bytes;
  }
  if (index_is_kept) {
    // Best effort: an index that still knows packs that are gone is made anew.
    const Status dropped = index.Drop(unlinked);
    if (!dropped.ok()) repository_.Notice("the index is not told: " + dropped.message());
  }
  report_.packs_taken_back += needed.size();
  unlinked.merge(needed);
  return DropFromGroups(unlinked);
}

// With the writer's lock the index on disk is told; a writer that is at work, or begins between,
// finds packs missing and makes its index anew.
Status Collection::Unlink() {
  if (!plan_.unlink.empty()) {
    const auto alone = repository_.local().AcquireWriterLock("gc");
    if (!alone.ok() && alone.status().code() != Code::kBusy) return alone.status();
    bool told = false;
    if (alone.ok()) {
      const auto notice = [this](const std::string& text) { repository_.Notice(text); };
      const Result<std::unique_ptr<Index>> index =
          OpenIndexForWriter(storage_, repository_.local(), repository_.config().id, notice);
      // On a full disk it may not open. What is removed all the same, the next writer finds out.
      told = index.ok();
      if (told) VARVE_RETURN_IF_ERROR(UnlinkKnowing(**index, true));
    }
    if (!told) {
      VARVE_ASSIGN_OR_RETURN(Index * index, repository_.index());
      VARVE_RETURN_IF_ERROR(UnlinkKnowing(*index, false));
    }
  }
  steps_->Unlinked();
  return {};
}

Status Collection::Rewrite() {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository_.index());
  PackRewriter rewriter(storage_, *index, repository_.random(), repository_.config().id);
  IdSet<PackId> rewritten;
  progress_.bytes_total = plan_.RewriteBytes();
  Status status;
  for (const PackUsage& pack : plan_.rewrite) {
    if (progress_.cancelled) return Cancelled("interrupted");
    if (!steps_->MayRewrite(pack.id)) continue;
    VARVE_ASSIGN_OR_RETURN(std::vector<PlacedFrame> frames,
                           ReadPackFooter(storage_, pack.id, repository_.config().id));
    std::vector<PlacedFrame> alive;
    for (uint32_t i = 0; i < pack.frames; ++i) {
      if (usage_.frames.alive[pack.first_ordinal + i]) alive.push_back(frames[i]);
    }
    status = rewriter.Copy(pack.id, pack.content, alive);
    if (status.code() == Code::kCorruption) {
      repository_.Notice("pack " + pack.id.Hex() + " is damaged and stays: " + status.message());
      continue;
    }
    if (!status.ok()) break;
    rewritten.Insert(pack.id);
    progress_.bytes_done += pack.live_bytes;
    Pace(pack.size_bytes + pack.live_bytes);
  }
  const bool full = status.code() == Code::kNoSpace;
  if (!full && status.code() != Code::kCorruption) VARVE_RETURN_IF_ERROR(status);
  status = full ? status : rewriter.Finish();
  if (status.code() == Code::kNoSpace) {
    // What is removed whole needs no room. What was copied is a copy too many; the next run sees.
    repository_.Notice("no room to rewrite packs: only those that are wholly dead go");
    rewritten = {};
  } else {
    VARVE_RETURN_IF_ERROR(status);
  }
  // Beyond this point every living frame of these packs is durable in another one.
  report_.packs_written += rewriter.packs_written();
  report_.bytes_written += rewriter.bytes_written();
  steps_->Rewrote(rewritten);
  return {};
}

Status Collection::Condemn() {
  const std::vector<PackId> packs = steps_->ToCondemn().ToVector();
  if (!packs.empty()) {
    VARVE_RETURN_IF_ERROR(storage_.CreateDirectory(kCondemnedDirectory));
    VARVE_RETURN_IF_ERROR(repository_.RemoveDeadSessions());
    VARVE_ASSIGN_OR_RETURN(const auto commit, repository_.LockCommit());
    // Under the lock nobody begins: whoever comes later reads the group.
    VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> writers, Writers());
    CondemnedRecord group;
    group.time_unix_ns = repository_.clock().NowUnixNs();
    for (const SessionRecord& writer : writers)
      group.blockers.push_back(writer.id);
    std::sort(group.blockers.begin(), group.blockers.end());
    for (size_t begin = 0; begin < packs.size(); begin += kCondemnedPacksMax) {
      const size_t end = std::min(packs.size(), begin + kCondemnedPacksMax);
      group.id = repository_.random().NewId<CondemnedId>();
      group.packs.assign(packs.begin() + static_cast<ptrdiff_t>(begin),
                         packs.begin() + static_cast<ptrdiff_t>(end));
      VARVE_RETURN_IF_ERROR(storage_.Publish(
          CondemnedPath(group.id), EncodeCondemnedRecord(group, repository_.config().id)));
    }
    blocked_ = !writers.empty();
    for (const SessionRecord& writer : writers)
      report_.waiting_for.push_back(writer.purpose);
  }
  for (const PackUsage& pack : usage_.packs) {
    if (!std::binary_search(packs.begin(), packs.end(), pack.id)) continue;
    ++report_.packs_condemned;
    report_.bytes_condemned += pack.size_bytes;
  }
  steps_->Condemned();
  return {};
}

void Collection::Pace(uint64_t bytes) {
  if (options_.rate_bytes_per_second == 0) return;
  const Clock& clock = repository_.clock();
  if (pace_begin_ns_ == 0) pace_begin_ns_ = clock.NowMonotonicNs();
  paced_bytes_ += bytes;
  const double due_s =
      static_cast<double>(paced_bytes_) / static_cast<double>(options_.rate_bytes_per_second);
  const double passed_s = static_cast<double>(clock.NowMonotonicNs() - pace_begin_ns_) / 1e9;
  // In steps, so that an interrupt is heeded.
  for (double left_s = due_s - passed_s; left_s > 0 && !progress_.cancelled; left_s -= 0.1) {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left_s, 0.1)));
  }
}

}  // namespace varve
