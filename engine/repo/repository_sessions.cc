// Sessions and the commit: G1, G2's pins and G5.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "repo/condemned_packs.h"
#include "repo/repository.h"
#include "repo/space_reserve.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr const char* kCommitLock = "commit";
// The commit lock is held for a few small files at a time: whoever waits longer met a stopped
// process, and should say so rather than hang.
constexpr auto kCommitLockPatience = std::chrono::minutes(2);
constexpr auto kCommitLockPoll = std::chrono::milliseconds(2);

std::string HostName() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return host.data();
}

}  // namespace

Result<std::unique_ptr<HeldLock>> Repository::LockCommit() {
  for (auto waited = kCommitLockPoll * 0; waited < kCommitLockPatience; waited += kCommitLockPoll) {
    VARVE_ASSIGN_OR_RETURN(std::unique_ptr<HeldLock> lock,
                           local().TryLock(kCommitLock, LockLife::kLasting));
    if (lock != nullptr) return lock;
    std::this_thread::sleep_for(kCommitLockPoll);
  }
  return Busy("repository " + name() + ": another process holds the lock " + kCommitLock +
              " for minutes; is it stopped?");
}

// G9: the directory may have been unmounted, or be another repository by now.
Status Repository::CheckIdentity() {
  std::vector<std::string> damage;
  VARVE_ASSIGN_OR_RETURN(const RepositoryConfig found, ReadConfig(storage_, name(), &damage));
  if (found.id == config_.id) return {};
  return Corruption(name() + " is repository " + found.id.Short() + " now, it was " +
                    config_.id.Short() + " when it was opened");
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

Status Repository::RemoveDeadSessions() {
  VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("sessions"));
  for (const DirectoryEntry& file : files) {
    SessionId id;
    if (!SessionId::Parse(file.name, &id)) continue;
    VARVE_ASSIGN_OR_RETURN(const auto dead, local().TryLock(file.name, LockLife::kOnce));
    if (dead == nullptr) continue;
    const Status removed = storage_.Remove(SessionPath(id));
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
  }
  return {};
}

Result<std::unique_ptr<Session>> Repository::PublishSession(const std::string& purpose,
                                                            SessionRole role,
                                                            const std::vector<SnapshotId>& pins) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> others, Sessions());
  if (others.size() >= kSessionsMax) {
    return Busy(name() + " has " + std::to_string(others.size()) + " sessions already");
  }
  SessionRecord record;
  record.id = random().NewId<SessionId>();
  record.fencing_token = 1;
  for (const SessionRecord& other : others) {
    record.fencing_token = std::max(record.fencing_token, other.fencing_token + 1);
  }
  record.process_id = static_cast<uint32_t>(getpid());
  record.host = HostName();
  record.start_unix_ns = clock().NowUnixNs();
  record.purpose = purpose;
  record.role = role;
  record.pins = pins;
  VARVE_ASSIGN_OR_RETURN(auto alive, local().TryLock(record.id.Hex(), LockLife::kOnce));
  VARVE_CHECK(alive != nullptr);  // nobody else knows the id
  VARVE_RETURN_IF_ERROR(
      storage_.Publish(SessionPath(record.id), EncodeSessionRecord(record, config_.id)));
  auto session = std::make_unique<Session>(storage_, std::move(record), std::move(alive));
  session->steps().PublishedSession();
  return session;
}

Result<std::unique_ptr<Session>> Repository::BeginSession(const std::string& purpose,
                                                          SessionRole role,
                                                          const std::vector<SnapshotId>& pins) {
  VARVE_CHECK(role == SessionRole::kReader || mode_ == OpenMode::kWrite);
  VARVE_CHECK(pins.size() <= kPinsMax);
  VARVE_RETURN_IF_ERROR(CheckIdentity());
  VARVE_ASSIGN_OR_RETURN(auto commit, LockCommit());
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<Session> session, PublishSession(purpose, role, pins));
  // Beyond this point the session is known: what is deleted from now on keeps what it pins. What
  // was deleted before is too late.
  for (const SnapshotId& pin : pins) {
    VARVE_ASSIGN_OR_RETURN(const bool deleted, IsDeleted(pin));
    if (!deleted) continue;
    session->steps().CheckedPins(false);
    return NotFound("snapshot " + pin.Hex() + " was deleted");
  }
  session->steps().CheckedPins(true);
  commit = nullptr;
  VARVE_ASSIGN_OR_RETURN(const std::vector<CondemnedRecord> groups,
                         ReadCondemned(storage_, config_.id));
  session->steps().ReadCondemned(IdSet<PackId>(PacksOf(groups)));
  // The index hides what is condemned (Place::usable): it is told the same, now or when it opens.
  if (role == SessionRole::kWriter) VARVE_RETURN_IF_ERROR(UpdateIndex());
  return session;
}

// One more than the largest; deleted ones count as long as they are there. A damaged record had a
// sequence, too, which must not be given again: it may be repaired one day.
void Repository::GiveSequence(const SnapshotCatalog& others, SnapshotRecord* record) {
  uint64_t largest = 0;
  for (const SnapshotRecord& other : others.records) {
    if (other.sequence <= largest) continue;
    largest = other.sequence;
    record->predecessor = other.id;
  }
  const uint64_t plausible_max = largest + (uint64_t{1} << 32);
  uint64_t damaged_records = 0;
  for (const DamagedRecord& damaged : others.damaged) {
    if (!damaged.path.starts_with("snapshots/")) continue;
    ++damaged_records;
    const Result<Bytes> object = storage_.ReadSmall(damaged.path, kSmallObjectMax);
    const uint64_t seen = object.ok() ? SalvageSequence(*object) : 0;
    if (seen <= plausible_max) largest = std::max(largest, seen);
  }
  record->sequence = largest + damaged_records + 1;
}

// Ok if the session's record is there and still this writer's.
Status Repository::CheckSession(const SessionRecord& mine) {
  const std::string path = SessionPath(mine.id);
  const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
  if (object.status().code() == Code::kNotFound) {
    return Busy("session " + mine.id.Short() + " was ended by somebody else; not committed");
  }
  VARVE_RETURN_IF_ERROR(object.status());
  VARVE_ASSIGN_OR_RETURN(const SessionRecord found,
                         DecodeSessionRecord(path, *object, config_.id, mine.id));
  if (found.fencing_token == mine.fencing_token) return {};
  return Busy("session " + mine.id.Short() + " has token " + std::to_string(found.fencing_token) +
              " now, not " + std::to_string(mine.fencing_token) + "; not committed");
}

Status Repository::CheckPacksExist(const std::vector<PackId>& packs) {
  for (const PackId& pack : packs) {
    VARVE_RETURN_IF_ERROR(
        storage_.Size(PackPath(pack)).status().WithContext("a reused pack is gone"));
  }
  return {};
}

Status Repository::Commit(const Session& session, const std::vector<PackId>& reused_packs,
                          SnapshotRecord* record) {
  VARVE_RETURN_IF_ERROR(CheckIdentity());
  session.steps().FinishedWork();
  VARVE_ASSIGN_OR_RETURN(const auto commit, LockCommit());
  const Status session_there = CheckSession(session.record());
  const Status packs_there = CheckPacksExist(reused_packs);
  if (!session.steps().MayCommit(session_there.ok(), packs_there.ok())) {
    return session_there.ok() ? packs_there : session_there;
  }
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog others, Catalog());
  GiveSequence(others, record);
  const uint64_t record_bytes = EncodeSnapshotRecord(*record, config_.id).size() +
                                (encrypted() ? kSealSaltBytes + kSealTagBytes : 0);
  record->statistics.bytes_stored += record_bytes;
  record->statistics.bytes_metadata += record_bytes;
  VARVE_RETURN_IF_ERROR(
      storage_.Publish(SnapshotPath(record->id), EncodeSnapshotRecord(*record, config_.id)));
  // Beyond this point the snapshot exists.
  uint64_t pack_bytes = record->statistics.bytes_stored;
  for (const SnapshotRecord& other : others.records)
    pack_bytes += other.statistics.bytes_stored;
  KeepReserve(storage_, pack_bytes);
  return {};
}

}  // namespace varve
