#include "repo/damage_log.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "store/memory_index.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

// The damaged frames that the index relies on, by id.
using Relied = std::map<ContentId, Place>;

Result<Relied> FindRelied(Storage& storage, const RepositoryId& repository,
                          const DamagedFrames& damaged, Index& index) {
  Relied relied;
  for (auto next = damaged.begin(); next != damaged.end();) {
    const PackId pack = next->first;
    const auto end = damaged.upper_bound({pack, UINT64_MAX});
    const Result<std::vector<PlacedFrame>> frames = ReadPackFrames(storage, pack, repository);
    if (!frames.ok() && frames.status().code() != Code::kCorruption &&
        frames.status().code() != Code::kNotFound) {
      return frames.status();
    }
    std::vector<ContentId> ids;
    if (frames.ok()) {
      for (const PlacedFrame& frame : *frames) {
        if (damaged.contains({pack, frame.offset})) ids.push_back(frame.info.id);
      }
    }
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(index.FindMany(ids, &places));
    for (const std::optional<Place>& place : places) {
      if (!place || !place->usable || !damaged.contains({place->pack, place->offset})) continue;
      relied.emplace(place->frame.id, *place);
    }
    next = end;
  }
  return relied;
}

// Other frames of the same ids. What stands alone last: the index prefers what comes later.
Status AddOthers(Storage& storage, const RepositoryId& repository, const DamagedFrames& damaged,
                 const Relied& relied, Index& index) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage));
  std::vector<Place> others;
  for (const PackListing& pack : packs) {
    const Result<std::vector<PlacedFrame>> frames = ReadPackFrames(storage, pack.id, repository);
    if (!frames.ok()) continue;  // nobody can use it, and the index says so
    for (const PlacedFrame& frame : *frames) {
      if (!relied.contains(frame.info.id) || damaged.contains({pack.id, frame.offset})) continue;
      others.push_back({pack.id, frame.offset, frame.info});
    }
  }
  for (const bool deltas : {true, false}) {
    for (const Place& other : others) {
      if ((other.frame.encoding == Encoding::kDelta) != deltas) continue;
      const PlacedFrame frame{other.offset, other.frame};
      VARVE_RETURN_IF_ERROR(index.Add(other.pack, {&frame, 1}));
    }
  }
  return {};
}

}  // namespace

std::string DamagePath(const DamageId& id) {
  return std::string(kDamageDirectory) + "/" + id.Hex();
}

DamagedFrames DamageLog::Frames() const {
  DamagedFrames frames;
  for (const DamageRecord& record : records) {
    for (const uint64_t offset : record.offsets)
      frames.insert({record.pack, offset});
  }
  return frames;
}

Result<DamageLog> ReadDamageLog(Storage& storage, const RepositoryId& repository) {
  DamageLog log;
  const Result<std::vector<DirectoryEntry>> files = storage.List(kDamageDirectory);
  if (files.status().code() == Code::kNotFound) return log;  // nothing was ever found
  VARVE_RETURN_IF_ERROR(files.status());
  for (const DirectoryEntry& file : *files) {
    const std::string path = std::string(kDamageDirectory) + "/" + file.name;
    DamageId id;
    if (!DamageId::Parse(file.name, &id)) {
      log.unreadable.emplace_back(path, Corruption(path + ": is no name of a damage record"));
      continue;
    }
    const Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
    if (object.status().code() == Code::kNotFound) continue;  // repaired while we looked
    Result<DamageRecord> record = object.ok() ? DecodeDamageRecord(path, *object, repository, id)
                                              : Result<DamageRecord>(object.status());
    if (!record.ok()) {
      log.unreadable.emplace_back(path, record.status());
      continue;
    }
    const Status present = storage.Size(PackPath(record->pack)).status();
    if (present.code() == Code::kNotFound) {
      log.obsolete.push_back(id);
    } else {
      log.records.push_back(*std::move(record));
    }
  }
  return log;
}

Status RecordDamage(Storage& storage, Random& random, const RepositoryId& repository,
                    const PackId& pack, std::span<const uint64_t> offsets, int64_t now_unix_ns,
                    const std::string& what) {
  VARVE_RETURN_IF_ERROR(storage.CreateDirectory(kDamageDirectory));
  do {
    const auto part = offsets.first(std::min(offsets.size(), kDamagedFramesMax));
    DamageRecord record;
    record.id = random.NewId<DamageId>();
    record.found_unix_ns = now_unix_ns;
    record.pack = pack;
    record.offsets.assign(part.begin(), part.end());
    record.what = what;
    VARVE_RETURN_IF_ERROR(
        storage.Publish(DamagePath(record.id), EncodeDamageRecord(record, repository)));
    offsets = offsets.subspan(part.size());
  } while (!offsets.empty());
  return {};
}

Status ApplyDamage(Storage& storage, const RepositoryId& repository, const DamagedFrames& damaged,
                   Index& index) {
  if (damaged.empty()) return {};
  VARVE_ASSIGN_OR_RETURN(const Relied relied, FindRelied(storage, repository, damaged, index));
  if (relied.empty()) return {};
  std::vector<ContentId> ids;
  for (const auto& [id, place] : relied)
    ids.push_back(id);
  VARVE_RETURN_IF_ERROR(index.Distrust(ids));
  return AddOthers(storage, repository, damaged, relied, index);
}

Result<std::unique_ptr<Index>> WithRecordedDamage(
    Storage& storage, const RepositoryId& repository, std::unique_ptr<Index> index, bool read_only,
    const std::function<void(const std::string&)>& notice) {
  VARVE_ASSIGN_OR_RETURN(const DamageLog log, ReadDamageLog(storage, repository));
  for (const auto& [path, status] : log.unreadable) {
    notice(path + " cannot be read; a scrub finds the damage again: " + status.message());
  }
  const DamagedFrames damaged = log.Frames();
  if (damaged.empty()) return index;
  if (read_only) index = std::make_unique<MemoryIndex>(std::move(index));
  VARVE_RETURN_IF_ERROR(ApplyDamage(storage, repository, damaged, *index));
  return index;
}

}  // namespace varve
