// What is said about snapshots beside their records: tombstones (G2) and holds.
#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "repo/repository.h"
#include "repo/space_reserve.h"

namespace varve {
namespace {

std::string NoteDirectory(ObjectKind kind) {
  return kind == ObjectKind::kTombstone ? kTombstonesDirectory : kHoldsDirectory;
}
std::string NotePath(ObjectKind kind, const SnapshotId& id) {
  return NoteDirectory(kind) + "/" + id.Hex();
}

// A repository from before there were such notes has no directory for them.
Result<std::vector<DirectoryEntry>> ListIfThere(Storage& storage, const std::string& directory) {
  Result<std::vector<DirectoryEntry>> files = storage.List(directory);
  if (files.status().code() == Code::kNotFound) return std::vector<DirectoryEntry>();
  return files;
}

}  // namespace

Result<std::optional<SnapshotNote>> Repository::FindNote(ObjectKind kind, const SnapshotId& id) {
  const std::string path = NotePath(kind, id);
  const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
  if (object.status().code() == Code::kNotFound) return std::optional<SnapshotNote>();
  VARVE_RETURN_IF_ERROR(object.status());
  VARVE_ASSIGN_OR_RETURN(SnapshotNote note,
                         DecodeSnapshotNote(kind, path, *object, config_.id, id));
  return std::optional(std::move(note));
}

Result<std::map<SnapshotId, SnapshotNote>> Repository::Notes(ObjectKind kind,
                                                             std::vector<DamagedRecord>* damaged) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files,
                         ListIfThere(storage_, NoteDirectory(kind)));
  std::map<SnapshotId, SnapshotNote> notes;
  for (const DirectoryEntry& file : files) {
    SnapshotId id;
    if (!SnapshotId::Parse(file.name, &id)) continue;
    Result<std::optional<SnapshotNote>> note = FindNote(kind, id);
    if (note.ok() && *note) {
      notes.emplace(id, **std::move(note));
    } else if (!note.ok() && note.status().code() != Code::kCorruption) {
      return note.status();
    } else if (!note.ok()) {
      // In doubt nothing is deleted: a damaged hold holds, a damaged tombstone deletes nothing.
      damaged->push_back({NotePath(kind, id), note.status()});
      if (kind == ObjectKind::kHold) notes.emplace(id, SnapshotNote{id, 0, "(damaged)"});
    }
  }
  return notes;
}

Result<SnapshotCatalog> Repository::Catalog() {
  SnapshotCatalog catalog;
  // Notes first: GC removes a deleted snapshot's record before its tombstone, so what is deleted
  // and collected while we look is never taken for alive.
  VARVE_ASSIGN_OR_RETURN(catalog.tombstones, Notes(ObjectKind::kTombstone, &catalog.damaged));
  VARVE_ASSIGN_OR_RETURN(catalog.holds, Notes(ObjectKind::kHold, &catalog.damaged));
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("snapshots"));
  for (const DirectoryEntry& file : files) {
    const std::string path = "snapshots/" + file.name;
    SnapshotId id;
    Result<SnapshotRecord> record = SnapshotId::Parse(file.name, &id)
                                        ? Snapshot(id)
                                        : Corruption(path + ": is no name of a snapshot");
    if (record.ok()) {
      catalog.records.push_back(*std::move(record));
    } else if (record.status().code() != Code::kNotFound) {
      catalog.damaged.push_back({path, record.status()});
    }
  }
  std::sort(catalog.records.begin(), catalog.records.end(),
            [](const SnapshotRecord& a, const SnapshotRecord& b) {
              return std::tie(a.sequence, a.id) < std::tie(b.sequence, b.id);
            });
  return catalog;
}

Result<std::vector<SnapshotRecord>> Repository::Snapshots(std::vector<DamagedRecord>* damaged) {
  VARVE_ASSIGN_OR_RETURN(SnapshotCatalog catalog, Catalog());
  if (damaged != nullptr) {
    *damaged = std::move(catalog.damaged);
  } else if (!catalog.damaged.empty()) {
    return catalog.damaged[0].status;
  }
  std::erase_if(catalog.records, [&](const SnapshotRecord& record) {
    return catalog.tombstones.count(record.id) != 0;
  });
  return std::move(catalog.records);
}

Result<bool> Repository::IsDeleted(const SnapshotId& id) {
  const Result<std::optional<SnapshotNote>> tombstone = FindNote(ObjectKind::kTombstone, id);
  if (!tombstone.ok() && tombstone.status().code() != Code::kCorruption) return tombstone.status();
  if (tombstone.ok() && *tombstone) return true;
  const Result<SnapshotRecord> record = Snapshot(id);
  if (record.status().code() == Code::kNotFound) return true;
  return false;
}

Status Repository::CheckMayDelete() const {
  if (!config_.append_only) return {};
  return Status(Code::kDenied, "repository " + name() + " is append-only: nothing is deleted",
                EPERM);
}

Status Repository::Delete(std::span<const SnapshotId> ids, const std::string& reason) {
  VARVE_CHECK(mode_ != OpenMode::kRead);
  VARVE_RETURN_IF_ERROR(CheckMayDelete());
  VARVE_RETURN_IF_ERROR(CheckIdentity());
  GiveUpReserveIfFull(storage_);
  VARVE_RETURN_IF_ERROR(storage_.CreateDirectory(kTombstonesDirectory));
  VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
  // All or none as far as refusals go: look before the first tombstone.
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(const auto holds, Notes(ObjectKind::kHold, &damaged));
  for (const SnapshotId& id : ids) {
    VARVE_ASSIGN_OR_RETURN(const bool deleted, IsDeleted(id));
    if (deleted) return NotFound("snapshot " + id.Hex() + " is not in " + name());
    const auto hold = holds.find(id);
    if (hold != holds.end()) {
      return Status(Code::kDenied, "snapshot " + id.Short() + " is held: " + hold->second.reason,
                    EPERM);
    }
  }
  for (const SnapshotId& id : ids) {
    const SnapshotNote note{id, clock().NowUnixNs(), reason};
    const Status published =
        storage_.Publish(NotePath(ObjectKind::kTombstone, id),
                         EncodeSnapshotNote(ObjectKind::kTombstone, note, config_.id));
    VARVE_RETURN_IF_ERROR(published);
  }
  return {};
}

Status Repository::Hold(const SnapshotId& id, const std::string& reason) {
  VARVE_CHECK(mode_ != OpenMode::kRead);
  if (reason.size() > kNameBytesMax || reason.find('\0') != std::string::npos) {
    return InvalidArgument("a reason has at most " + std::to_string(kNameBytesMax) + " bytes");
  }
  VARVE_RETURN_IF_ERROR(CheckIdentity());
  VARVE_RETURN_IF_ERROR(storage_.CreateDirectory(kHoldsDirectory));
  VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
  VARVE_ASSIGN_OR_RETURN(const bool deleted, IsDeleted(id));
  if (deleted) return NotFound("snapshot " + id.Hex() + " is not in " + name());
  const SnapshotNote note{id, clock().NowUnixNs(), reason};
  const Status published = storage_.Publish(
      NotePath(ObjectKind::kHold, id), EncodeSnapshotNote(ObjectKind::kHold, note, config_.id));
  if (published.code() == Code::kAlreadyExists) {
    return AlreadyExists("snapshot " + id.Short() + " is held already");
  }
  return published;
}

Status Repository::Unhold(const SnapshotId& id) {
  VARVE_CHECK(mode_ != OpenMode::kRead);
  VARVE_RETURN_IF_ERROR(CheckIdentity());
  VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
  const Status removed = storage_.Remove(NotePath(ObjectKind::kHold, id));
  return removed.code() == Code::kNotFound ? NotFound("snapshot " + id.Short() + " is not held")
                                           : removed;
}

}  // namespace varve
