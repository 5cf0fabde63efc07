#include "repo/repository.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr const char* kDirectories[] = {"snapshots", "packs", "sessions"};

std::string SessionPath(const SessionId& id) { return "sessions/" + id.Hex(); }

std::string HostName() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return host.data();
}

// Nothing but what an interrupted Create may have left: then Create may go on.
Status CheckEmpty(Disk& disk, const std::string& name) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, disk.List("."));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name == kConfigPath) return AlreadyExists(name + " is a repository already");
    if (entry.name == "snapshots") {
      VARVE_ASSIGN_OR_RETURN(const auto snapshots, disk.List("snapshots"));
      if (!snapshots.empty()) return AlreadyExists(name + " holds snapshots already");
    }
    const bool ours = entry.name == "lock" || entry.name == kConfigCopyPath ||
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

}  // namespace

std::string SnapshotPath(const SnapshotId& id) { return "snapshots/" + id.Hex(); }

Status Repository::Create(const RepositoryEnvironment& environment, uint32_t chunk_size_bytes) {
  if (!IsValidChunkSize(chunk_size_bytes)) {
    return InvalidArgument("chunk size " + std::to_string(chunk_size_bytes) +
                           " is not a power of two from 4 KiB to 256 KiB");
  }
  VARVE_RETURN_IF_ERROR(CheckEmpty(*environment.disk, environment.name));
  VARVE_ASSIGN_OR_RETURN(const auto lock, environment.local->AcquireWriterLock("init"));
  Storage storage(*environment.disk);
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
  config.chunk_size_bytes = chunk_size_bytes;
  environment.random->Fill(config.id_key);
  environment.random->Fill(config.fingerprint_secret);
  const Bytes object = EncodeConfig(config);
  // `config` last: a repository exists from the moment it does.
  VARVE_RETURN_IF_ERROR(storage.RemoveTemporaries("."));
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
                       OpenMode mode, std::unique_ptr<WriterLock> lock)
    : environment_(environment),
      config_(std::move(config)),
      mode_(mode),
      lock_(std::move(lock)),
      storage_(*environment_.disk) {}

Repository::~Repository() = default;

Result<std::unique_ptr<Repository>> Repository::Open(const RepositoryEnvironment& environment,
                                                     OpenMode mode, const std::string& purpose) {
  Storage storage(*environment.disk);
  std::vector<std::string> damage;
  VARVE_ASSIGN_OR_RETURN(RepositoryConfig config,
                         ReadConfig(storage, environment.name, &damage));
  for (const std::string& line : damage) {
    environment.notice(line + " (the other copy is good)");
  }
  std::unique_ptr<WriterLock> lock;
  if (mode == OpenMode::kWrite) {
    VARVE_ASSIGN_OR_RETURN(lock, environment.local->AcquireWriterLock(purpose));
  }
  std::unique_ptr<Repository> repository(
      new Repository(environment, std::move(config), mode, std::move(lock)));
  if (mode == OpenMode::kWrite) VARVE_RETURN_IF_ERROR(repository->RemoveLeftovers());
  return repository;
}

// What dead writers left half-made. Under the writer's lock nobody else makes temporaries.
Status Repository::RemoveLeftovers() {
  for (const char* directory : {".", "snapshots", "sessions"}) {
    VARVE_RETURN_IF_ERROR(storage_.RemoveTemporaries(directory));
  }
  VARVE_ASSIGN_OR_RETURN(const auto shards, storage_.disk().List("packs"));
  for (const DirectoryEntry& shard : shards) {
    if (!shard.is_directory) continue;
    VARVE_RETURN_IF_ERROR(storage_.RemoveTemporaries("packs/" + shard.name));
  }
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> sessions, storage_.List("sessions"));
  for (const DirectoryEntry& session : sessions) {
    VARVE_RETURN_IF_ERROR(storage_.Remove("sessions/" + session.name));
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

Result<std::vector<SnapshotRecord>> Repository::Snapshots(std::vector<DamagedRecord>* damaged) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("snapshots"));
  std::vector<SnapshotRecord> records;
  for (const DirectoryEntry& file : files) {
    const std::string path = "snapshots/" + file.name;
    SnapshotId id;
    Result<SnapshotRecord> record = SnapshotId::Parse(file.name, &id)
                                        ? Snapshot(id)
                                        : Corruption(path + ": is no name of a snapshot");
    if (record.ok()) {
      records.push_back(*std::move(record));
    } else if (damaged != nullptr) {
      damaged->push_back({path, record.status()});
    } else {
      return record.status();
    }
  }
  std::sort(records.begin(), records.end(), [](const SnapshotRecord& a, const SnapshotRecord& b) {
    return std::tie(a.sequence, a.id) < std::tie(b.sequence, b.id);
  });
  return records;
}

Result<Index*> Repository::index() {
  const std::lock_guard lock(mutex_);
  if (index_ == nullptr) {
    const auto open_index = mode_ == OpenMode::kWrite ? OpenIndexForWriter : OpenIndexForReader;
    VARVE_ASSIGN_OR_RETURN(
        index_, open_index(storage_, *environment_.local, config_.id, environment_.notice));
  }
  return index_.get();
}

Status Repository::RebuildIndex() {
  VARVE_CHECK(mode_ == OpenMode::kWrite);
  const std::lock_guard lock(mutex_);
  index_ = nullptr;
  VARVE_ASSIGN_OR_RETURN(index_, varve::RebuildIndex(storage_, *environment_.local, config_.id,
                                                     environment_.notice));
  return {};
}

Result<std::vector<SessionRecord>> Repository::Sessions() {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("sessions"));
  std::vector<SessionRecord> sessions;
  for (const DirectoryEntry& file : files) {
    const std::string path = "sessions/" + file.name;
    SessionId id;
    if (!SessionId::Parse(file.name, &id)) return Corruption(path + ": is no name of a session");
    const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
    if (object.status().code() == Code::kNotFound) continue;  // it ended while we looked
    VARVE_RETURN_IF_ERROR(object.status());
    VARVE_ASSIGN_OR_RETURN(SessionRecord record,
                           DecodeSessionRecord(path, *object, config_.id, id));
    sessions.push_back(std::move(record));
  }
  return sessions;
}

Result<SessionRecord> Repository::BeginSession(const std::string& purpose,
                                               const std::optional<SnapshotId>& parent) {
  VARVE_CHECK(mode_ == OpenMode::kWrite);
  VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> others, Sessions());
  SessionRecord session;
  session.id = random().NewId<SessionId>();
  session.fencing_token = 1;
  for (const SessionRecord& other : others) {
    session.fencing_token = std::max(session.fencing_token, other.fencing_token + 1);
  }
  session.process_id = static_cast<uint32_t>(getpid());
  session.host = HostName();
  session.start_unix_ns = clock().NowUnixNs();
  session.purpose = purpose;
  session.parent = parent;
  VARVE_RETURN_IF_ERROR(
      storage_.Publish(SessionPath(session.id), EncodeSessionRecord(session, config_.id)));
  return session;
}

Status Repository::Commit(const SessionRecord& session, const std::vector<PackId>& reused_packs,
                          SnapshotRecord* record) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> sessions, Sessions());
  const auto mine = std::find_if(sessions.begin(), sessions.end(), [&](const SessionRecord& s) {
    return s.id == session.id && s.fencing_token == session.fencing_token;
  });
  if (mine == sessions.end()) {
    return Busy("session " + session.id.Short() + " was ended by somebody else; not committed");
  }
  for (const PackId& pack : reused_packs) {
    VARVE_RETURN_IF_ERROR(
        storage_.Size(PackPath(pack)).status().WithContext("a reused pack is gone"));
  }
  std::vector<DamagedRecord> damaged;  // they stay as they are; a new snapshot needs none of them
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> others, Snapshots(&damaged));
  record->sequence = others.empty() ? 1 : others.back().sequence + 1;
  if (!others.empty()) record->predecessor = others.back().id;
  const uint64_t record_bytes = EncodeSnapshotRecord(*record, config_.id).size();
  record->statistics.bytes_stored += record_bytes;
  record->statistics.bytes_metadata += record_bytes;
  return storage_.Publish(SnapshotPath(record->id), EncodeSnapshotRecord(*record, config_.id));
}

Status Repository::EndSession(const SessionRecord& session) {
  return storage_.Remove(SessionPath(session.id));
}

}  // namespace varve
