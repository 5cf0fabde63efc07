// The damage that was found and not yet repaired, as records in `damage/` (FORMAT.md, "Damage"). A
// record outlives the index and the process that found the damage; it counts as long as its pack is
// where it was. Publishing one needs no lock: records only ever add to each other.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "format/damage_record.h"
#include "io/storage.h"
#include "store/damaged_frames.h"
#include "store/index.h"

namespace varve {

inline constexpr const char* kDamageDirectory = "damage";
std::string DamagePath(const DamageId& id);

struct DamageLog {
  // Records whose pack exists, by id.
  std::vector<DamageRecord> records;
  // Records whose pack is gone (repaired or collected): they say nothing any more.
  std::vector<DamageId> obsolete;
  // Paths that cannot be read, and why. What they said is found again by the next scrub.
  std::vector<std::pair<std::string, Status>> unreadable;

  bool empty() const { return records.empty() && obsolete.empty() && unreadable.empty(); }
  // (pack, offset of the frame's header) of every damaged frame.
  DamagedFrames Frames() const;
};

Result<DamageLog> ReadDamageLog(Storage& storage, const RepositoryId& repository);

// Makes durable that `offsets` of `pack` are damaged (ascending, any number of them).
Status RecordDamage(Storage& storage, Random& random, const RepositoryId& repository,
                    const PackId& pack, std::span<const uint64_t> offsets, int64_t now_unix_ns,
                    const std::string& what);

// Makes the index distrust these frames, and know another frame with the same id where the
// repository has one that is not damaged itself. Does nothing, and reads no packs, where the index
// relies on none of them.
Status ApplyDamage(Storage& storage, const RepositoryId& repository, const DamagedFrames& damaged,
                   Index& index);

// The index with the damage on record applied. One that must not be written (`read_only`) is
// covered by a layer in memory. `notice` is told of records that cannot be read.
Result<std::unique_ptr<Index>> WithRecordedDamage(
    Storage& storage, const RepositoryId& repository, std::unique_ptr<Index> index, bool read_only,
    const std::function<void(const std::string&)>& notice);

}  // namespace varve
