#include "repo/index_keeper.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "repo/condemned_packs.h"
#include "store/memory_index.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

// A GC at work removes packs a few times in a run.
constexpr int kListingsMax = 100;

bool IsWhole(Storage& storage, const PackId& pack, const PlacedFrame& frame) {
  Bytes bytes(frame.info.FrameBytes());
  return storage.Read(PackPath(pack), frame.offset, bytes).ok() &&
         CheckStoredFrame("", frame.offset, bytes, frame.info).ok();
}

// Drops from the frames of `pack` those that the index has in another pack, alike and whole: of two
// copies a damaged one must not win. Copies are rare, so reading them costs nothing.
Status DropCopiesOfGood(Storage& storage, Index& index, const PackId& pack,
                        std::vector<PlacedFrame>* frames) {
  std::vector<ContentId> ids;
  for (const PlacedFrame& frame : *frames)
    ids.push_back(frame.info.id);
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(index.FindMany(ids, &places));
  std::vector<PlacedFrame> kept;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::optional<Place>& place = places[i];
    const bool alike = place && place->pack != pack && place->usable &&
                       (place->frame.encoding == Encoding::kDelta) ==
                           ((*frames)[i].info.encoding == Encoding::kDelta);
    if (alike && IsWhole(storage, place->pack, {place->offset, place->frame})) continue;
    kept.push_back((*frames)[i]);
  }
  *frames = std::move(kept);
  return {};
}

// `vanished` is set if the pack was removed since it was listed.
Status AddPack(Storage& storage, const PackId& id, const RepositoryId& repository, Index& index,
               const NoticeFunction& notice, bool* vanished) {
  Result<std::vector<PlacedFrame>> frames = ReadPackFrames(storage, id, repository);
  if (frames.ok()) {
    VARVE_RETURN_IF_ERROR(DropCopiesOfGood(storage, index, id, &*frames));
    return index.Add(id, *frames);
  }
  const Code code = frames.status().code();
  if (code == Code::kNotFound) {
    *vanished = true;
    return {};
  }
  notice("pack " + id.Hex() + " is left out of the index: " + frames.status().message());
  // Damaged: known, and known to give nothing. Otherwise (it cannot be read now, or not by this
  // version) it stays unknown and is looked at again the next time.
  return code == Code::kCorruption ? index.Add(id, {}) : Status();
}

// Condemned packs first: whatever lies in another one too is then found there.
Status AddPacks(Storage& storage, std::vector<PackId> packs, const RepositoryId& repository,
                Index& index, const NoticeFunction& notice, bool* vanished) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<CondemnedRecord> groups,
                         ReadCondemned(storage, repository));
  const std::set<PackId> condemned = PacksOf(groups);
  index.SetCondemned(condemned);
  std::stable_partition(packs.begin(), packs.end(),
                        [&](const PackId& pack) { return condemned.count(pack) != 0; });
  for (const PackId& pack : packs) {
    VARVE_RETURN_IF_ERROR(AddPack(storage, pack, repository, index, notice, vanished));
  }
  return {};
}

// A pack that a writer published and did not live to enter into the index may be visible and not
// durable yet: its directory was not synced. From now on snapshots may be built on it.
Status MakeNamesDurable(Storage& storage, const std::vector<PackId>& packs) {
  std::set<std::string> directories;
  for (const PackId& pack : packs)
    directories.insert(PackPath(pack).substr(0, 8));
  for (const std::string& directory : directories) {
    VARVE_RETURN_IF_ERROR(storage.disk().SyncDirectory(directory));
  }
  return {};
}

struct Difference {
  std::vector<PackId> unknown_to_index;
  std::vector<PackId> gone_from_disk;
};

Result<std::vector<PackId>> PacksOnDisk(Storage& storage) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> listings, ListPacks(storage));
  std::vector<PackId> packs;
  packs.reserve(listings.size());
  for (const PackListing& listing : listings)
    packs.push_back(listing.id);
  return packs;
}

Result<Difference> CompareWithDisk(Storage& storage, Index& index) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackId> on_disk, PacksOnDisk(storage));
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackId> in_index, index.Packs());
  Difference difference;
  std::set_difference(on_disk.begin(), on_disk.end(), in_index.begin(), in_index.end(),
                      std::back_inserter(difference.unknown_to_index));
  std::set_difference(in_index.begin(), in_index.end(), on_disk.begin(), on_disk.end(),
                      std::back_inserter(difference.gone_from_disk));
  return difference;
}

enum class Names { kAsTheyAre, kMadeDurable };

// Adds the packs that the index lacks. What lives in a pack that vanished since it was listed was
// moved to another one before, which a later listing names: the index is complete only when it was
// made of a listing of which nothing had vanished.
Status AddMissingPacks(Storage& storage, const RepositoryId& repository, Index& index, Names names,
                       const NoticeFunction& notice) {
  for (int listings = 0; listings < kListingsMax; ++listings) {
    VARVE_ASSIGN_OR_RETURN(const Difference difference, CompareWithDisk(storage, index));
    if (names == Names::kMadeDurable) {
      VARVE_RETURN_IF_ERROR(MakeNamesDurable(storage, difference.unknown_to_index));
    }
    bool vanished = false;
    VARVE_RETURN_IF_ERROR(
        AddPacks(storage, difference.unknown_to_index, repository, index, notice, &vanished));
    if (!vanished) return {};
  }
  return Busy("index: packs were removed during each of " + std::to_string(kListingsMax) +
              " attempts to list them");
}

Result<std::unique_ptr<Index>> BuildInMemory(Storage& storage, const RepositoryId& repository,
                                             const NoticeFunction& notice) {
  auto index = std::make_unique<MemoryIndex>();
  VARVE_RETURN_IF_ERROR(AddMissingPacks(storage, repository, *index, Names::kAsTheyAre, notice));
  return std::unique_ptr<Index>(std::move(index));
}

// What a view is made of: as long as it is the same, another view would say the same.
struct Ground {
  std::vector<PackId> packs;
  std::set<PackId> condemned;
  bool operator==(const Ground&) const = default;
};

Result<Ground> LookAtGround(Storage& storage, const RepositoryId& repository) {
  Ground ground;
  VARVE_ASSIGN_OR_RETURN(ground.packs, PacksOnDisk(storage));
  VARVE_ASSIGN_OR_RETURN(const std::vector<CondemnedRecord> groups,
                         ReadCondemned(storage, repository));
  ground.condemned = PacksOf(groups);
  return ground;
}

using OpenView = std::function<Result<std::unique_ptr<Index>>()>;

// A fixed view that replaces itself by one rebuilt in memory when its file turns out damaged, and
// by a view of now when it is told that it has aged.
class HealingIndex : public Index {
 public:
  // `ground` was looked at before the view was opened.
  HealingIndex(std::unique_ptr<Index> index, Ground ground, OpenView open_view, Storage& storage,
               const RepositoryId& repository, NoticeFunction notice)
      : index_(std::move(index)),
        ground_(std::move(ground)),
        open_view_(std::move(open_view)),
        storage_(storage),
        repository_(repository),
        notice_(std::move(notice)) {}

  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override {
    const std::shared_ptr<Index> index = Current();
    const Status status = index->FindMany(ids, places);
    if (status.code() != Code::kCorruption && status.code() != Code::kIo) return status;
    VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<Index> healed, Heal(index, status));
    return healed->FindMany(ids, places);
  }
  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override {
    return Current()->Add(pack, frames);
  }
  Result<std::vector<PackId>> Packs() override { return Current()->Packs(); }
  Status Distrust(std::span<const ContentId> ids) override { return Current()->Distrust(ids); }
  void SetCondemned(const std::set<PackId>& packs) override { Current()->SetCondemned(packs); }
  Status Drop(const std::set<PackId>& packs) override { return Current()->Drop(packs); }
  Result<bool> Refresh() override {
    const std::lock_guard lock(mutex_);
    VARVE_ASSIGN_OR_RETURN(Ground ground, LookAtGround(storage_, repository_));
    if (ground == ground_) return false;
    VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Index> view, open_view_());
    index_ = std::move(view);
    ground_ = std::move(ground);
    return true;
  }
  Status MarkProved(const SnapshotId& snapshot) override { return Current()->MarkProved(snapshot); }
  Result<bool> IsProved(const SnapshotId& snapshot) override {
    return Current()->IsProved(snapshot);
  }
  Status Flush() override { return Current()->Flush(); }

 private:
  std::shared_ptr<Index> Current() {
    const std::lock_guard lock(mutex_);
    return index_;
  }

  Result<std::shared_ptr<Index>> Heal(const std::shared_ptr<Index>& broken, const Status& why) {
    const std::lock_guard lock(mutex_);
    if (index_ != broken) return index_;  // another thread was faster
    notice_("the index is damaged and is made anew in memory: " + why.message());
    VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Index> healed,
                           BuildInMemory(storage_, repository_, notice_));
    index_ = std::move(healed);
    return index_;
  }

  std::mutex mutex_;
  std::shared_ptr<Index> index_;  // guarded by mutex_
  Ground ground_;                 // guarded by mutex_; may be older than the view
  const OpenView open_view_;
  Storage& storage_;
  const RepositoryId repository_;
  const NoticeFunction notice_;
};

// The index as it is, completed in memory.
Result<std::unique_ptr<Index>> OpenViewOfNow(Storage& storage, LocalState& local,
                                             const RepositoryId& repository,
                                             const NoticeFunction& notice) {
  const auto in_memory = [&](const std::string& why) {
    notice("the index is made anew in memory: " + why);
    return BuildInMemory(storage, repository, notice);
  };
  Result<std::unique_ptr<Index>> index = local.OpenIndex(repository, IndexMode::kReader);
  if (!index.ok()) return in_memory(index.status().message());
  const Result<Difference> difference = CompareWithDisk(storage, **index);
  if (!difference.ok()) return in_memory(difference.status().message());
  if (!difference->gone_from_disk.empty()) {
    return in_memory("it knows packs that do not exist");
  }
  std::unique_ptr<Index> view = std::make_unique<MemoryIndex>(*std::move(index));
  VARVE_RETURN_IF_ERROR(AddMissingPacks(storage, repository, *view, Names::kAsTheyAre, notice));
  return view;
}

bool MeansRebuild(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kNotFound ||
         status.code() == Code::kIo;
}

}  // namespace

Result<std::unique_ptr<Index>> RebuildIndex(Storage& storage, LocalState& local,
                                            const RepositoryId& repository,
                                            const NoticeFunction& notice) {
  VARVE_RETURN_IF_ERROR(local.DestroyIndex());
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Index> index,
                         local.OpenIndex(repository, IndexMode::kWriter));
  VARVE_RETURN_IF_ERROR(AddMissingPacks(storage, repository, *index, Names::kMadeDurable, notice));
  VARVE_RETURN_IF_ERROR(index->Flush());
  return index;
}

Result<std::unique_ptr<Index>> OpenIndexForWriter(Storage& storage, LocalState& local,
                                                  const RepositoryId& repository,
                                                  const NoticeFunction& notice) {
  Result<std::unique_ptr<Index>> index = local.OpenIndex(repository, IndexMode::kWriter);
  std::string why;
  if (!index.ok()) {
    if (!MeansRebuild(index.status())) return index.status();
    why = index.status().message();
  } else {
    const Result<Difference> difference = CompareWithDisk(storage, **index);
    if (difference.ok() && difference->gone_from_disk.empty()) {
      VARVE_RETURN_IF_ERROR(
          AddMissingPacks(storage, repository, **index, Names::kMadeDurable, notice));
      return index;
    }
    if (!difference.ok() && difference.status().code() != Code::kCorruption) {
      return difference.status();
    }
    why = difference.ok() ? "it knows " + std::to_string(difference->gone_from_disk.size()) +
                                " packs that do not exist"
                          : difference.status().message();
    *index = nullptr;  // close before it is deleted
  }
  notice("the index is rebuilt: " + why);
  return RebuildIndex(storage, local, repository, notice);
}

Result<std::unique_ptr<Index>> OpenIndexForReader(Storage& storage, LocalState& local,
                                                  const RepositoryId& repository,
                                                  const NoticeFunction& notice) {
  const auto open_view = [&storage, &local, repository, notice] {
    return OpenViewOfNow(storage, local, repository, notice);
  };
  VARVE_ASSIGN_OR_RETURN(Ground ground, LookAtGround(storage, repository));
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Index> view, open_view());
  return std::unique_ptr<Index>(std::make_unique<HealingIndex>(
      std::move(view), std::move(ground), open_view, storage, repository, notice));
}

Status UpdateIndexForWriter(Storage& storage, const RepositoryId& repository, Index& index,
                            const NoticeFunction& notice, bool* rebuild) {
  VARVE_ASSIGN_OR_RETURN(const Difference difference, CompareWithDisk(storage, index));
  *rebuild = !difference.gone_from_disk.empty();
  if (*rebuild) return {};
  return AddMissingPacks(storage, repository, index, Names::kMadeDurable, notice);
}

}  // namespace varve
