#include "gc/collection.h"

#include <cerrno>

#include "repo/condemned_packs.h"
#include "repo/space_reserve.h"

namespace varve {
namespace {

RepositorySets::Groups ToGroups(const std::vector<CondemnedRecord>& records) {
  RepositorySets::Groups groups;
  for (const CondemnedRecord& record : records) {
    groups.push_back({IdSet<PackId>(record.packs), IdSet<SessionId>(record.blockers)});
  }
  return groups;
}

}  // namespace

Collection::Collection(Repository& repository, const GcOptions& options, Progress& progress,
                       std::unique_ptr<HeldLock> lock)
    : repository_(repository),
      storage_(repository.storage()),
      options_(options),
      progress_(progress),
      lock_(std::move(lock)) {}

Result<std::unique_ptr<Collection>> Collection::Begin(Repository& repository,
                                                      const GcOptions& options,
                                                      Progress& progress) {
  VARVE_RETURN_IF_ERROR(repository.CheckMayDelete());
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<HeldLock> lock,
                         repository.local().TryLock(kGcLock, LockLife::kLasting));
  if (lock == nullptr) return Busy("a GC of " + repository.name() + " is at work already");
  GiveUpReserveIfFull(repository.storage());
  // What an interrupted GC or writer left half-made, unless a writer is at work right now.
  const auto alone = repository.local().AcquireWriterLock("gc");
  if (alone.ok()) VARVE_RETURN_IF_ERROR(repository.RemovePackTemporaries());
  return std::unique_ptr<Collection>(
      new Collection(repository, options, progress, std::move(lock)));
}

Result<std::vector<SessionRecord>> Collection::Writers() {
  VARVE_ASSIGN_OR_RETURN(std::vector<SessionRecord> sessions, repository_.Sessions());
  std::erase_if(sessions, [](const SessionRecord& s) { return s.role != SessionRole::kWriter; });
  return sessions;
}

Status Collection::ListSnapshots() {
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog catalog, repository_.Catalog());
  IdSet<SnapshotId> alive;
  IdSet<SnapshotId> deleted;
  for (const auto& [id, note] : catalog.tombstones)
    deleted.Insert(id);
  for (const SnapshotRecord& record : catalog.records) {
    records_.emplace(record.id, record);
    if (!deleted.Contains(record.id)) alive.Insert(record.id);
  }
  // Nobody can say what a damaged record needs (G3).
  for (const DamagedRecord& damaged : catalog.damaged) {
    SnapshotId id;
    const bool is_record = damaged.path.starts_with("snapshots/");
    const bool named = is_record && SnapshotId::Parse(damaged.path.substr(10), &id);
    if (is_record && !(named && deleted.Contains(id))) {
      return damaged.status.WithContext("nothing is collected as long as it is damaged");
    }
  }
  steps_->ListedSnapshots(alive, deleted);
  return {};
}

// Walks what is not walked yet, and judges all packs by all that was ever marked in this run.
Status Collection::Mark() {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository_.index());
  if (marker_ != nullptr) {
    VARVE_RETURN_IF_ERROR(index->Refresh().status());  // packs were written and condemned since
  } else {
    marker_ =
        std::make_unique<Marker>(storage_, *index, repository_.config().id_key, live_, progress_);
  }
  for (const SnapshotId& root : steps_->roots()) {
    const auto record = records_.find(root);
    // A pin that came too late: its session is about to find out.
    if (record == records_.end() || marked_.Contains(root)) continue;
    VARVE_RETURN_IF_ERROR(marker_->Mark(record->second));
    marked_.Insert(root);
  }
  std::vector<PackListing> packs;
  VARVE_ASSIGN_OR_RETURN(packs, ListPacks(storage_));
  std::erase_if(packs, [&](const PackListing& p) { return !listed_packs_.Contains(p.id); });
  VARVE_ASSIGN_OR_RETURN(usage_, JudgePacks(storage_, repository_.config().id, packs,
                                            PacksOf(groups_), live_, progress_));
  IdSet<PackId> needed;
  for (const PackUsage& pack : usage_.packs) {
    if (!pack.judged || pack.live_frames > 0) needed.Insert(pack.id);
  }
  steps_->Marked(needed);
  return {};
}

Status Collection::MarkRound() {
  steps_ = std::make_unique<Steps>();
  while (steps_->next() != PrunerStep::kRemoveDeleted) {
    if (progress_.cancelled) return Cancelled("interrupted");
    switch (steps_->next()) {
      case PrunerStep::kReadCondemned: {
        VARVE_ASSIGN_OR_RETURN(groups_, ReadCondemned(storage_, repository_.config().id));
        steps_->ReadCondemned(ToGroups(groups_));
        break;
      }
      case PrunerStep::kListSessions: {
        VARVE_RETURN_IF_ERROR(repository_.RemoveDeadSessions());
        VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> writers, Writers());
        IdSet<SessionId> ids;
        for (const SessionRecord& writer : writers)
          ids.Insert(writer.id);
        steps_->ListedSessions(ids);
        break;
      }
      case PrunerStep::kListPacks: {
        VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage_));
        listed_packs_ = {};
        for (const PackListing& pack : packs)
          listed_packs_.Insert(pack.id);
        steps_->ListedPacks(listed_packs_);
        break;
      }
      case PrunerStep::kListSnapshots:
        VARVE_RETURN_IF_ERROR(ListSnapshots());
        break;
      case PrunerStep::kListPins: {
        VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> sessions, repository_.Sessions());
        IdSet<SnapshotId> pins;
        for (const SessionRecord& session : sessions)
          pins |= IdSet<SnapshotId>(session.pins);
        steps_->ListedPins(pins);
        break;
      }
      default:
        VARVE_RETURN_IF_ERROR(Mark());
    }
  }
  return {};
}

void Collection::FillPlan(bool may_rewrite) {
  plan_ = {};
  const IdSet<PackId> unlink = steps_->ToUnlink();
  const IdSet<PackId> condemn = steps_->ToCondemn();
  plan_.take_back = steps_->ToTakeBack().ToVector();
  plan_.deleted = steps_->DeletedToRemove().ToVector();
  const IdSet<PackId> take_back(plan_.take_back);
  for (const PackUsage& pack : usage_.packs) {
    if (unlink.Contains(pack.id)) {
      plan_.unlink.push_back(pack);
    } else if (condemn.Contains(pack.id)) {
      plan_.condemn.push_back(pack);
    } else if (pack.condemned && !take_back.Contains(pack.id)) {
      plan_.waiting_bytes += pack.size_bytes;
    }
    plan_.packs_unreadable += pack.judged ? 0 : 1;
    plan_.bytes_alive += pack.live_bytes;
  }
  if (may_rewrite) plan_.rewrite = SelectRewrites(usage_.packs, options_);
  plan_.snapshots = steps_->roots().size();
  plan_.packs = usage_.packs.size();
  plan_.bytes_total = usage_.bytes_total;
  plan_.references = live_.references();
}

Result<GcPlan> Collection::Plan() {
  VARVE_RETURN_IF_ERROR(MarkRound());
  FillPlan(/*may_rewrite=*/true);
  VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> writers, Writers());
  for (const SessionRecord& writer : writers)
    plan_.waiting_for.push_back(writer.purpose);
  return plan_;
}

Status CheckGcBrake(const GcPlan& plan, const GcOptions& options) {
  const uint64_t leaving = plan.CondemnBytes() + plan.RewriteFreesBytes();
  if (options.force || leaving <= plan.bytes_total / 100 * kGcBrakePercent) return {};
  return Status(Code::kDenied,
                "this would remove " + std::to_string(leaving) + " of " +
                    std::to_string(plan.bytes_total) + " bytes, more than " +
                    std::to_string(kGcBrakePercent) + " %; if that is meant, say --force",
                EPERM);
}

Result<GcReport> Collection::Execute() {
  VARVE_CHECK(steps_ != nullptr && steps_->next() == PrunerStep::kRemoveDeleted);
  VARVE_RETURN_IF_ERROR(CheckGcBrake(plan_, options_));
  VARVE_RETURN_IF_ERROR(SweepRound());
  if (report_.packs_condemned > 0 && !blocked_) {
    // Nobody who began before is at work any more: a second round is a later mark, and what is
    // walked already costs it nothing.
    VARVE_RETURN_IF_ERROR(MarkRound());
    FillPlan(/*may_rewrite=*/false);
    VARVE_RETURN_IF_ERROR(SweepRound());
  }
  KeepReserve(storage_, usage_.bytes_total);
  return report_;
}

}  // namespace varve
