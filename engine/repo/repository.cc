#include "repo/repository.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "repo/damage_log.h"
#include "repo/quarantine.h"
#include "repo/volume_quotas.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr const char* kDirectories[] = {"snapshots",          "packs",         "sessions",
                                        kTombstonesDirectory, kHoldsDirectory, kCondemnedDirectory};

constexpr auto kGcPatience = std::chrono::minutes(1);
constexpr auto kGcPoll = std::chrono::milliseconds(5);

constexpr const char* kSmallDirectories[] = {".",
                                             "snapshots",
                                             "sessions",
                                             kTombstonesDirectory,
                                             kHoldsDirectory,
                                             kCondemnedDirectory,
                                             kQuarantineDirectory,
                                             kKeysDirectory,
                                             kQuotasDirectory};

// Nothing but what an interrupted Create may have left: then Create may go on.
Status CheckEmpty(Disk& disk, const std::string& name) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, disk.List("."));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name == kConfigPath) return AlreadyExists(name + " is a repository already");
    const bool ours = entry.name == "lock" || entry.name == "locks" ||
                      entry.name == kConfigCopyPath || entry.name == kKeysDirectory ||
                      entry.name.ends_with(kTemporarySuffix) ||
                      std::find(std::begin(kDirectories), std::end(kDirectories), entry.name) !=
                          std::end(kDirectories);
    if (!ours) {
      return AlreadyExists(name + " is not empty (it holds " + entry.name +
                           ") and is not a repository");
    }
  }
  return {};
}

// The directories of an interrupted Create go first. They may have been visible and not durable:
// the failed sync of a directory is told once, and a later one says that all is well. Directories
// with anything in them are those of a repository that lost its configuration: not ours to touch.
Status RemoveEmptyDirectories(Disk& disk, const std::string& name) {
  std::vector<std::string> found;  // children after their parents
  for (const char* directory : kDirectories) {
    const Result<std::vector<DirectoryEntry>> entries = disk.List(directory);
    if (entries.status().code() == Code::kNotFound) continue;
    VARVE_RETURN_IF_ERROR(entries.status());
    found.push_back(directory);
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = std::string(directory) + "/" + entry.name;
      std::vector<DirectoryEntry> inside;
      if (entry.is_directory) {
        VARVE_ASSIGN_OR_RETURN(inside, disk.List(path));
      }
      if (!entry.is_directory || !inside.empty()) {
        return AlreadyExists(name + " has no configuration, but it holds " + path);
      }
      found.push_back(path);
    }
  }
  for (auto path = found.rbegin(); path != found.rend(); ++path) {
    VARVE_RETURN_IF_ERROR(disk.RemoveDirectory(*path));
  }
  return {};
}

}  // namespace

std::string SnapshotPath(const SnapshotId& id) {
  return "snapshots/" + id.Hex();
}

Status Repository::Create(const RepositoryEnvironment& environment,
                          const RepositoryOptions& options) {
  if (!IsValidChunkSize(options.chunk_size_bytes)) {
    return InvalidArgument("chunk size " + std::to_string(options.chunk_size_bytes) +
                           " is not a power of two from 4 KiB to 256 KiB");
  }
  VARVE_RETURN_IF_ERROR(CheckEmpty(*environment.disk, environment.name));
  VARVE_ASSIGN_OR_RETURN(const auto lock, environment.local->AcquireWriterLock("init"));
  Storage storage(*environment.disk);
  VARVE_RETURN_IF_ERROR(RemoveEmptyDirectories(*environment.disk, environment.name));
  for (const char* directory : kDirectories) {
    VARVE_RETURN_IF_ERROR(storage.CreateDirectory(directory));
  }
  for (int shard = 0; shard < 256; ++shard) {
    const uint8_t byte = static_cast<uint8_t>(shard);
    VARVE_RETURN_IF_ERROR(environment.disk->CreateDirectory("packs/" + ToHex({&byte, 1})));
  }
  VARVE_RETURN_IF_ERROR(environment.disk->SyncDirectory("packs"));
  RepositoryConfig config;
  config.id = environment.random->NewId<RepositoryId>();
  config.created_unix_ns = environment.clock->NowUnixNs();
  config.chunk_size_bytes = options.chunk_size_bytes;
  config.append_only = options.append_only;
  if (options.like != nullptr) {
    config.id_key = options.like->id_key;
    config.fingerprint_secret = options.like->fingerprint_secret;
  } else {
    environment.random->Fill(config.id_key);
    environment.random->Fill(config.fingerprint_secret);
  }
  VARVE_RETURN_IF_ERROR(storage.RemoveTemporaries("."));
  VARVE_RETURN_IF_ERROR(RemoveKeySlots(storage));
  RepositoryAccess access;
  if (options.key_slot != nullptr) {
    VARVE_ASSIGN_OR_RETURN(access,
                           CreateAccess(storage, config, *options.key_slot, *environment.random));
  }
  // Beyond this point the key can be got back; only now something may be sealed with it.
  VARVE_ASSIGN_OR_RETURN(const Bytes object, SealConfig(EncodeConfig(config), access));
  // `config` last: a repository exists from the moment it does.
  const Status leftover = storage.Remove(kConfigCopyPath);
  if (!leftover.ok() && leftover.code() != Code::kNotFound) return leftover;
  VARVE_RETURN_IF_ERROR(storage.Publish(kConfigCopyPath, object));
  return storage.Publish(kConfigPath, object);
}

Result<RepositoryConfig> ReadConfig(Storage& storage, const std::string& repository_name,
                                    std::vector<std::string>* damage) {
  std::optional<RepositoryConfig> config;
  Status first_failure;
  int missing = 0;
  for (const char* path : {kConfigPath, kConfigCopyPath}) {
    const Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
    Status status = object.status();
    if (object.ok()) {
      Result<RepositoryConfig> decoded = DecodeConfig(path, *object);
      status = decoded.status();
      if (decoded.ok() && !config) config = *decoded;
    }
    if (status.ok()) continue;
    if (status.code() == Code::kNotFound) ++missing;
    if (first_failure.ok()) first_failure = status;
    damage->push_back(status.code() == Code::kNotFound ? std::string(path) + ": is missing"
                                                       : status.message());
  }
  if (config) return *config;
  if (missing == 2) return NotFound(repository_name + " is not a varve repository");
  return first_failure.WithContext("repository " + repository_name);
}

Repository::Repository(const RepositoryEnvironment& environment, RepositoryConfig config,
                       OpenMode mode, std::unique_ptr<WriterLock> lock, RepositoryAccess access)
    : environment_(environment),
      config_(std::move(config)),
      mode_(mode),
      lock_(std::move(lock)),
      access_(std::move(access)),
      storage_(*environment_.disk) {
  storage_.SetSealing(access_.sealing.get());
}

Repository::~Repository() = default;

// A GC holds the writer's lock while it tells the index what it removed: that is worth waiting for.
Result<std::unique_ptr<WriterLock>> Repository::AcquireWriterLock(LocalState& local,
                                                                  const std::string& purpose) {
  for (auto waited = kGcPoll * 0;; waited += kGcPoll) {
    Result<std::unique_ptr<WriterLock>> lock = local.AcquireWriterLock(purpose);
    if (lock.status().code() != Code::kBusy || waited >= kGcPatience) return lock;
    VARVE_ASSIGN_OR_RETURN(const auto no_gc, local.TryLock(kGcLock, LockLife::kLasting));
    if (no_gc != nullptr) return local.AcquireWriterLock(purpose);
    std::this_thread::sleep_for(kGcPoll);
  }
}

Result<std::unique_ptr<Repository>> Repository::Open(const RepositoryEnvironment& environment,
                                                     OpenMode mode, const std::string& purpose) {
  Storage storage(*environment.disk);
  const AccessRequest request{environment.name, environment.key, mode == OpenMode::kRead,
                              environment.notice};
  VARVE_ASSIGN_OR_RETURN(RepositoryAccess access,
                         OpenAccess(storage, request, *environment.random));
  storage.SetSealing(access.sealing.get());
  std::vector<std::string> damage;
  RepositoryConfig config;
  if (access.sealing != nullptr && access.key == nullptr) {
    config.id = access.sealing->repository();
  } else {
    VARVE_ASSIGN_OR_RETURN(config, ReadConfig(storage, environment.name, &damage));
  }
  for (const std::string& line : damage) {
    environment.notice(line + " (the other copy is good)");
  }
  std::unique_ptr<WriterLock> lock;
  if (mode == OpenMode::kWrite) {
    VARVE_ASSIGN_OR_RETURN(lock, AcquireWriterLock(*environment.local, purpose));
  }
  std::unique_ptr<Repository> repository(
      new Repository(environment, std::move(config), mode, std::move(lock), std::move(access)));
  if (mode == OpenMode::kWrite) VARVE_RETURN_IF_ERROR(repository->RemoveLeftovers());
  return repository;
}

// What dead processes left half-made. Small objects are made under the commit lock, packs under the
// writer's lock or GC's: where we hold them, nobody makes temporaries.
Status Repository::RemoveLeftovers() {
  VARVE_RETURN_IF_ERROR(RemoveDeadSessions());
  VARVE_ASSIGN_OR_RETURN(const auto collecting, local().TryLock(kGcLock, LockLife::kLasting));
  {
    VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
    for (const char* directory : kSmallDirectories) {
      const Status removed = storage_.RemoveTemporaries(directory);
      if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    }
    const Status finished = FinishQuotas(storage_, config_.id);
    if (!finished.ok()) Notice("an interrupted change of quotas stays: " + finished.message());
  }
  // While a GC is at work it makes some; the next one sees to what is left.
  return collecting == nullptr ? Status() : RemovePackTemporaries();
}

Status Repository::RemovePackTemporaries() {
  VARVE_ASSIGN_OR_RETURN(const auto shards, storage_.disk().List("packs"));
  for (const DirectoryEntry& shard : shards) {
    if (!shard.is_directory) continue;
    VARVE_RETURN_IF_ERROR(storage_.RemoveTemporaries("packs/" + shard.name));
  }
  return {};
}

Result<SnapshotRecord> Repository::Snapshot(const SnapshotId& id) {
  const std::string path = SnapshotPath(id);
  Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
  if (!object.ok()) {
    if (object.status().code() == Code::kNotFound) {
      return NotFound("snapshot " + id.Hex() + " is not in " + name());
    }
    return object.status();
  }
  return DecodeSnapshotRecord(path, *object, config_.id, id);
}

Result<std::vector<SnapshotId>> Repository::SnapshotIds() {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("snapshots"));
  std::vector<SnapshotId> ids;
  for (const DirectoryEntry& file : files) {
    SnapshotId id;
    if (SnapshotId::Parse(file.name, &id)) ids.push_back(id);
  }
  return ids;
}

Result<Index*> Repository::index() {
  const std::lock_guard lock(mutex_);
  if (index_ == nullptr) {
    const bool writes = mode_ == OpenMode::kWrite;
    const auto open_index = writes ? OpenIndexForWriter : OpenIndexForReader;
    VARVE_ASSIGN_OR_RETURN(
        std::unique_ptr<Index> index,
        open_index(storage_, *environment_.local, config_.id, environment_.notice));
    VARVE_ASSIGN_OR_RETURN(index_, WithRecordedDamage(storage_, config_.id, std::move(index),
                                                      !writes, environment_.notice));
  }
  return index_.get();
}

void Repository::CloseIndex() {
  const std::lock_guard lock(mutex_);
  index_ = nullptr;
}

Status Repository::UpdateIndex() {
  const std::lock_guard lock(mutex_);
  if (index_ == nullptr) return {};  // it will be opened as it is then
  bool rebuild = false;
  VARVE_RETURN_IF_ERROR(
      UpdateIndexForWriter(storage_, config_.id, *index_, environment_.notice, &rebuild));
  if (rebuild) index_ = nullptr;  // and opened, anew, when it is asked for
  return {};
}

Status Repository::RebuildIndex() {
  VARVE_CHECK(mode_ == OpenMode::kWrite);
  const std::lock_guard lock(mutex_);
  index_ = nullptr;
  VARVE_ASSIGN_OR_RETURN(
      std::unique_ptr<Index> index,
      varve::RebuildIndex(storage_, *environment_.local, config_.id, environment_.notice));
  VARVE_ASSIGN_OR_RETURN(index_, WithRecordedDamage(storage_, config_.id, std::move(index),
                                                    /*read_only=*/false, environment_.notice));
  return {};
}

}  // namespace varve
