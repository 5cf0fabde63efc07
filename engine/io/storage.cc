#include "io/storage.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace varve {
namespace {

// Dead writers' temporaries may carry the name of ours (process ids come back): try the next.
constexpr int kTemporaryNamesMax = 1000;
constexpr int kSyncFailuresMax = 2;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string NewTemporaryName(const std::string& path) {
  // One count for the process: several storages may stand on the same disk.
  static std::atomic<uint64_t> count{0};
  return path + "." + std::to_string(getpid()) + "." + std::to_string(count.fetch_add(1)) +
         kTemporarySuffix;
}

bool IsTemporary(const std::string& name) {
  return name.ends_with(kTemporarySuffix);
}

}  // namespace

Status Storage::Writable() {
  const std::lock_guard lock(mutex_);
  return poisoned_;
}

bool Storage::NoteSyncFailure(const Status& failure, int weight) {
  const std::lock_guard lock(mutex_);
  if (first_sync_failure_.ok()) first_sync_failure_ = failure;
  sync_failures_ += weight;
  if (sync_failures_ < kSyncFailuresMax) return false;
  if (poisoned_.ok()) {
    poisoned_ = first_sync_failure_.WithContext("the repository is read-only now: a sync failed");
  }
  return true;
}

Storage::Written Storage::WriteTemporary(const std::string& path,
                                         std::span<const ByteSpan> pieces) {
  Written written;
  for (int tries = 0; tries < kTemporaryNamesMax; ++tries) {
    written.temporary = NewTemporaryName(path);
    auto file = disk_.Create(written.temporary);
    if (file.status().code() == Code::kAlreadyExists) continue;
    written.status = file.status();
    if (!file.ok()) return written;
    for (const ByteSpan piece : pieces) {
      written.status = (*file)->Append(piece);
      if (!written.status.ok()) return written;
    }
    written.status = (*file)->Sync();
    written.sync_failed = !written.status.ok() && written.status.code() != Code::kNoSpace;
    return written;
  }
  written.status =
      Busy(path + ": " + std::to_string(kTemporaryNamesMax) + " names for a temporary are taken");
  return written;
}

Status Storage::Publish(const std::string& path, std::span<const ByteSpan> pieces) {
  if (sealing_ == nullptr) return PublishStored(path, pieces);
  VARVE_ASSIGN_OR_RETURN(const std::optional<Bytes> sealed, sealing_->Seal(path, pieces));
  if (!sealed) return PublishStored(path, pieces);
  const ByteSpan stored = *sealed;
  return PublishStored(path, {&stored, 1});
}

// Publish, of the bytes as they are to be found on the disk.
Status Storage::PublishStored(const std::string& path, std::span<const ByteSpan> pieces) {
  VARVE_RETURN_IF_ERROR(Writable());
  Written written = WriteTemporary(path, pieces);
  if (written.sync_failed) {
    Abandon(written.temporary);
    if (NoteSyncFailure(written.status, 1)) return Writable();
    written = WriteTemporary(path, pieces);
    if (written.sync_failed) {
      Abandon(written.temporary);
      NoteSyncFailure(written.status, 1);
      return Writable();
    }
  }
  if (!written.status.ok()) {
    Abandon(written.temporary);
    return written.status;
  }
  // Beyond this point the bytes are durable; the rename gives them their name.
  if (Status renamed = disk_.Rename(written.temporary, path); !renamed.ok()) {
    Abandon(written.temporary);
    return renamed;
  }
  Status synced = SyncDirectoryOf(path);
  // Nobody was told of the object. It may still come back after a crash, whole.
  if (!synced.ok()) Abandon(path);
  return synced;
}

void Storage::Abandon(const std::string& path) {
  // What cannot be removed now is left to RemoveTemporaries or to GC.
  static_cast<void>(disk_.Remove(path));
  disk_.Forget(path);
}

Status Storage::SyncDirectoryOf(const std::string& path) {
  if (Status synced = disk_.SyncDirectory(DirectoryOf(path)); !synced.ok()) {
    // A directory cannot be written anew like a file, and its next fsync would not tell what this
    // one lost: no second chance.
    NoteSyncFailure(synced, kSyncFailuresMax);
    return synced;
  }
  // Ours went well, perhaps only because another thread was told of the failure first.
  return Writable();
}

Status Storage::Remove(const std::string& path) {
  VARVE_RETURN_IF_ERROR(Writable());
  VARVE_RETURN_IF_ERROR(disk_.Remove(path));
  disk_.Forget(path);
  return SyncDirectoryOf(path);
}

Status Storage::Move(const std::string& from, const std::string& to) {
  VARVE_RETURN_IF_ERROR(Writable());
  VARVE_RETURN_IF_ERROR(disk_.Rename(from, to));
  disk_.Forget(from);
  disk_.Forget(to);
  // The new name first: a crash in between leaves two names, not none.
  VARVE_RETURN_IF_ERROR(SyncDirectoryOf(to));
  return SyncDirectoryOf(from);
}

Status Storage::CreateDirectory(const std::string& path) {
  VARVE_RETURN_IF_ERROR(Writable());
  VARVE_RETURN_IF_ERROR(disk_.CreateDirectory(path));
  return SyncDirectoryOf(path);
}

Result<Bytes> Storage::ReadSmall(const std::string& path, uint64_t size_max) {
  VARVE_ASSIGN_OR_RETURN(const uint64_t size_bytes, disk_.Size(path));
  if (size_bytes > size_max) {
    return Corruption(path + ": " + std::to_string(size_bytes) + " bytes, at most " +
                      std::to_string(size_max) + " are allowed");
  }
  Bytes bytes(size_bytes);
  VARVE_RETURN_IF_ERROR(disk_.Read(path, 0, bytes));
  if (sealing_ != nullptr) return sealing_->Open(path, std::move(bytes));
  return bytes;
}

Result<std::vector<DirectoryEntry>> Storage::List(const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, disk_.List(path));
  std::erase_if(entries, [](const DirectoryEntry& entry) {
    return entry.is_directory || IsTemporary(entry.name);
  });
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Status Storage::RemoveTemporaries(const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, disk_.List(path));
  bool removed = false;
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory || !IsTemporary(entry.name)) continue;
    const bool in_root = path.empty() || path == ".";
    const std::string temporary = in_root ? entry.name : path + "/" + entry.name;
    VARVE_RETURN_IF_ERROR(disk_.Remove(temporary));
    removed = true;
  }
  return removed ? disk_.SyncDirectory(path) : OkStatus();
}

}  // namespace varve
