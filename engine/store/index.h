// Where frames lie: content id -> place. A cache of the pack footers and nothing more (R3): it can
// be deleted at any time and is rebuilt from them.
//
// Implementations: RocksIndex (the one on disk) and MemoryIndex (tests, and readers that meet a
// missing or older index). Thread-safe, all of them.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "format/pack_format.h"

namespace varve {

struct Place {
  PackId pack;
  uint64_t offset = 0;  // of the frame's header
  FrameInfo frame;
  // False: it turned out damaged (Distrust), its pack is condemned, or FindUsable found that of its
  // base. It may be read all the same, but nothing new may rely on it.
  bool usable = true;
};

class Index {
 public:
  virtual ~Index() = default;

  // One answer per id, in their order; nothing where the id is unknown. Corruption if the index
  // itself is damaged: never an answer that says "unknown" then (R10).
  virtual Status FindMany(std::span<const ContentId> ids,
                          std::vector<std::optional<Place>>* places) = 0;
  // Adds the frames of one pack, all or none. A newer place takes the place of an older one, but a
  // delta never that of a usable frame that stands alone: bases stay bases whatever the order of
  // packs.
  virtual Status Add(const PackId& pack, std::span<const PlacedFrame> frames) = 0;
  // The packs that were added, sorted.
  virtual Result<std::vector<PackId>> Packs() = 0;
  // These frames turned out damaged: their places are not usable until they are added again. Drops
  // all proofs. Ids that are not in the index are passed over.
  virtual Status Distrust(std::span<const ContentId> ids) = 0;
  // Says which packs are condemned, instead of what was said before. Not kept on disk: whoever
  // opens an index says it.
  virtual void SetCondemned(const std::set<PackId>& packs) = 0;
  // Forgets packs that are gone and every place in them. What lies elsewhere too must have been
  // added since, or it is unknown from here on.
  virtual Status Drop(const std::set<PackId>& packs) = 0;
  // A view becomes one of now. False: it is one already, or cannot.
  virtual Result<bool> Refresh() { return false; }
  // The proof that every chunk of a snapshot was found usable here, or put here, when it was
  // committed: the next snapshot may adopt them without a look. It holds as long as the index finds
  // no pack missing (it is made anew then, without proofs) and nobody met damage.
  virtual Status MarkProved(const SnapshotId& snapshot) = 0;
  virtual Result<bool> IsProved(const SnapshotId& snapshot) = 0;
  // What was added survives the process. No commit depends on it.
  virtual Status Flush() = 0;

  // FindMany, and tells of each place whether something new may rely on it: a delta only if its
  // base is here, stands alone and is usable.
  Status FindUsable(std::span<const ContentId> ids, std::vector<std::optional<Place>>* places);
  Result<std::optional<Place>> Find(const ContentId& id) {
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(FindMany({&id, 1}, &places));
    return places[0];
  }
  Result<std::optional<Place>> FindUsable(const ContentId& id) {
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(FindUsable({&id, 1}, &places));
    return places[0];
  }
};

// How many views are tried for what a GC moves meanwhile.
inline constexpr int kViewsMax = 8;

// Looks things up by `look`, a Result<bool>(), and again in a newer view of the index as long as it
// says that what it missed may have been moved to a pack that its view does not know. Once more in
// any case: another thread may have been faster in refreshing the view.
template <typename Look>
Status LookInFreshViews(Index& index, const Look& look) {
  bool again = true;
  for (int tries = 0; again && tries < kViewsMax; ++tries) {
    VARVE_ASSIGN_OR_RETURN(const bool missed, look());
    if (!missed) return {};
    VARVE_ASSIGN_OR_RETURN(const bool refreshed, index.Refresh());
    again = refreshed || tries == 0;
  }
  return {};
}

}  // namespace varve
