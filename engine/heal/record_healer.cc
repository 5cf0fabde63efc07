#include "heal/record_healer.h"

#include <functional>

#include "base/limits.h"
#include "format/snapshot_note.h"
#include "repo/volume_quotas.h"

namespace varve {
namespace {

// Trying every value of every byte costs the square of the size.
constexpr size_t kTriedBytesMax = 4096;

// Does the object decode as what its path says it is?
using IsWhole = std::function<bool(ByteSpan object)>;

bool Decodes(const std::string& path, ByteSpan object, const RepositoryId& repository,
             const SnapshotId& id) {
  if (path.starts_with("snapshots/"))
    return DecodeSnapshotRecord(path, object, repository, id).ok();
  if (path.starts_with(std::string(kQuotasDirectory) + "/")) {
    return DecodeQuotaTable(path, object, repository, QuotaTableId{id.bytes}).ok();
  }
  const bool is_hold = path.starts_with(std::string(kHoldsDirectory) + "/");
  return DecodeSnapshotNote(is_hold ? ObjectKind::kHold : ObjectKind::kTombstone, path, object,
                            repository, id)
      .ok();
}

// The object with one byte changed so that all its checksums hold and it is what it should be. Two
// checksums of 64 bits over so few candidates: chance does not do that.
std::optional<Bytes> TurnOneByteBack(Bytes object, const IsWhole& is_whole) {
  if (object.size() > kTriedBytesMax) return std::nullopt;
  for (uint8_t& byte : object) {
    const uint8_t damaged = byte;
    for (int change = 1; change < 256; ++change) {
      byte = static_cast<uint8_t>(damaged ^ change);
      if (is_whole(object)) return object;
    }
    byte = damaged;
  }
  return std::nullopt;
}

// Its place among the others, when nobody remembers: before the one that names it as predecessor,
// else after all.
void Place(const std::vector<SnapshotRecord>& good, SnapshotRecord* record) {
  record->sequence = 1;
  record->predecessor.reset();
  for (const SnapshotRecord& other : good) {
    if (other.predecessor == record->id && other.sequence > 1) {
      record->sequence = other.sequence - 1;
      break;
    }
    record->sequence = other.sequence + 1;
  }
  for (const SnapshotRecord& other : good) {
    if (other.sequence < record->sequence) record->predecessor = other.id;
  }
}

// The source's record as this repository's: the very one that was here if it was taken here.
Status Adopt(Repository& repository, HealSource& source, const std::vector<SnapshotRecord>& good,
             TreeHealer& healer, Progress& progress, SnapshotRecord* record) {
  if (record->origin && record->origin->repository == repository.config().id) {
    record->sequence = record->origin->sequence;
    record->parent = record->origin->parent;
    record->predecessor = record->origin->predecessor;
    record->origin.reset();
  } else {
    if (!record->origin) {
      record->origin = SnapshotOrigin{source.Repository(), record->sequence, record->parent,
                                      record->predecessor};
    }
    if (!source.SharesIds()) record->chunk_size_bytes = repository.config().chunk_size_bytes;
    record->parent.reset();
    Place(good, record);
  }
  VARVE_ASSIGN_OR_RETURN(record->root, healer.ComputeRoot(*record, source, progress));
  return {};
}

}  // namespace

Result<std::optional<HealedRecord>> HealRecord(Repository& repository, const std::string& path,
                                               const std::vector<SnapshotRecord>& good,
                                               const std::vector<HealSource*>& sources,
                                               TreeHealer& healer, Progress& progress) {
  const std::optional<HealedRecord> none;
  const size_t slash = path.rfind('/');
  SnapshotId id;  // or of whatever else has a name of 32 digits
  if (slash == std::string::npos || !SnapshotId::Parse(path.substr(slash + 1, 32), &id)) {
    return none;
  }
  const std::string directory = path.substr(0, slash);
  const RepositoryId& mine = repository.config().id;
  const bool is_record = directory == "snapshots";
  const IsWhole is_whole = [&](ByteSpan object) { return Decodes(path, object, mine, id); };
  const Result<Bytes> object = repository.storage().ReadSmall(path, kSmallObjectMax);
  if (object.ok()) {
    if (std::optional<Bytes> turned = TurnOneByteBack(*object, is_whole)) {
      HealedRecord healed{path, *std::move(turned), "itself, one byte turned back", {}};
      if (is_record) {
        VARVE_ASSIGN_OR_RETURN(healed.record, DecodeSnapshotRecord(path, healed.object, mine, id));
      }
      return std::optional(std::move(healed));
    }
  }
  if (!is_record) return none;
  for (HealSource* source : sources) {
    Result<SnapshotRecord> record = source->FindRecord(id);
    if (!record.ok()) continue;
    const Status adopted = Adopt(repository, *source, good, healer, progress, &*record);
    if (adopted.code() == Code::kCancelled) return adopted;
    if (!adopted.ok()) continue;
    Bytes encoded = EncodeSnapshotRecord(*record, mine);
    return std::optional(HealedRecord{path, std::move(encoded), source->Name(), *record});
  }
  return none;
}

}  // namespace varve
