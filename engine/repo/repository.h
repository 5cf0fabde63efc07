// A repository: its configuration, its snapshots, its packs and the index over them; and the one
// place that knows in which order things become durable (R6, G1, G5).
//
// Opened for reading it changes nothing but its own sessions, needs no lock and is never blocked.
// Opened for writing it holds the writer's lock: one process at a time, a second one is told who
// that is. Opened for maintenance (deletes, holds, GC) it works beside all of them: what these
// change goes by the rules of gc_protocol.h, and the index is not theirs to write. Thread-safe,
// except Open and Create.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/status.h"
#include "format/config_format.h"
#include "format/session_record.h"
#include "format/snapshot_note.h"
#include "format/snapshot_record.h"
#include "io/storage.h"
#include "repo/index_keeper.h"
#include "repo/local_state.h"
#include "repo/repository_access.h"
#include "repo/session.h"

namespace varve {

enum class OpenMode { kRead, kMaintain, kWrite };

// What a new repository is to be.
struct RepositoryOptions {
  RepositoryOptions() = default;
  RepositoryOptions(uint32_t chunk_size) : chunk_size_bytes(chunk_size) {}  // NOLINT: on purpose
  uint32_t chunk_size_bytes = kChunkSizeDefault;
  bool append_only = false;
  // A repository whose keys the new one shares, so that both know content by the same ids and
  // copies between them are cheap. Borrowed; null: keys of its own.
  const RepositoryConfig* like = nullptr;
  // Encrypts the repository; borrowed.
  const FirstKeySlot* key_slot = nullptr;
};

// What a repository stands on. All borrowed.
struct RepositoryEnvironment {
  Disk* disk = nullptr;
  LocalState* local = nullptr;
  const Clock* clock = &Clock::System();
  Random* random = &Random::System();
  // How messages call the repository.
  std::string name;
  // Told about things that went another way than usual but well.
  NoticeFunction notice = [](const std::string&) {};
  // How to get into an encrypted one.
  RepositoryKey key;
};

// A snapshot record that could not be read.
struct DamagedRecord {
  std::string path;
  Status status;
};

// All that is said about snapshots, deleted ones too.
struct SnapshotCatalog {
  std::vector<SnapshotRecord> records;  // by ascending sequence
  std::map<SnapshotId, SnapshotNote> tombstones;
  std::map<SnapshotId, SnapshotNote> holds;
  std::vector<DamagedRecord> damaged;
};

class Repository {
 public:
  // Makes an empty repository in a directory that is empty. AlreadyExists otherwise. A crash leaves
  // a directory that Create takes again or a whole repository.
  static Status Create(const RepositoryEnvironment& environment, const RepositoryOptions& options);

  // NotFound if there is no repository at all; Corruption, Unsupported, Busy, KeyRequired, WrongKey
  // as the case may be.
  static Result<std::unique_ptr<Repository>> Open(const RepositoryEnvironment& environment,
                                                  OpenMode mode, const std::string& purpose);
  ~Repository();

  // Of a locked repository nothing but its id is known.
  const RepositoryConfig& config() const { return config_; }
  bool encrypted() const { return access_.sealing != nullptr; }
  // Encrypted, and opened without the key.
  bool locked() const { return encrypted() && key() == nullptr; }
  // KeyRequired, saying which key, if it is locked.
  Status CheckUnlocked() const { return locked() ? KeyRequired(access_.needs) : Status(); }
  // The key it was opened with; null if it is in the clear or locked.
  const UnlockedKey* key() const { return access_.key.get(); }
  const std::string& name() const { return environment_.name; }
  const Clock& clock() const { return *environment_.clock; }
  Random& random() const { return *environment_.random; }
  Storage& storage() { return storage_; }
  LocalState& local() { return *environment_.local; }
  void Notice(const std::string& text) const { environment_.notice(text); }

  // The snapshots that are not deleted, by ascending sequence. Damaged records are Corruption
  // unless the caller asks for them apart: then they are listed there and left out.
  Result<std::vector<SnapshotRecord>> Snapshots(std::vector<DamagedRecord>* damaged = nullptr);
  Result<SnapshotCatalog> Catalog();
  // By id, deleted or not, as long as it is there.
  Result<SnapshotRecord> Snapshot(const SnapshotId& id);
  // The names of the records' files, deleted or not; needs no key.
  Result<std::vector<SnapshotId>> SnapshotIds();

  // Says durably that snapshots are deleted; they are not listed any more, and a later GC collects
  // what only they used. NotFound, or Denied for a held one, before anything is changed.
  Status Delete(std::span<const SnapshotId> ids, const std::string& reason);
  // A held snapshot is not deleted until it is let go.
  Status Hold(const SnapshotId& id, const std::string& reason);
  Status Unhold(const SnapshotId& id);
  // Denied if the repository is append-only.
  Status CheckMayDelete() const;

  // The index, opened at the first call; list or pick snapshots before, so that it knows all their
  // packs.
  Result<Index*> index();
  // Lets the next call of index() open it anew: damage was recorded, or packs went away. Whoever
  // holds the pointer of an earlier call must be done with it.
  void CloseIndex();
  // Deletes and rebuilds it. Writers only.
  Status RebuildIndex();

  // Makes a session's durable record (G1), before anything is looked up on its behalf. NotFound if
  // one of the pinned snapshots was deleted before the session was known: pick another.
  // Writers' sessions need a repository that is open for writing.
  Result<std::unique_ptr<Session>> BeginSession(const std::string& purpose, SessionRole role,
                                                const std::vector<SnapshotId>& pins);
  // Publishes the record: the commit (R6). Everything it names is durable already. Checks first
  // that the session is still this writer's and that the packs it reused exist (G5). Fills in
  // sequence and predecessor, and what the record itself adds to bytes stored and metadata.
  Status Commit(const Session& session, const std::vector<PackId>& reused_packs,
                SnapshotRecord* record);
  // Held for moments: whoever changes small objects (sessions, snapshots, notes, condemned packs).
  Result<std::unique_ptr<HeldLock>> LockCommit();
  // Of packs. Only while holding the writer's lock and GC's.
  Status RemovePackTemporaries();
  // Ends the sessions whose processes died without doing so.
  Status RemoveDeadSessions();
  Result<std::vector<SessionRecord>> Sessions();

 private:
  Repository(const RepositoryEnvironment& environment, RepositoryConfig config, OpenMode mode,
             std::unique_ptr<WriterLock> lock, RepositoryAccess access);

  static Result<std::unique_ptr<WriterLock>> AcquireWriterLock(LocalState& local,
                                                               const std::string& purpose);
  Status RemoveLeftovers();
  // An index that is open already learns what is there and what is condemned now.
  Status UpdateIndex();
  void GiveSequence(const SnapshotCatalog& others, SnapshotRecord* record);
  Status CheckIdentity();
  Result<std::unique_ptr<Session>> PublishSession(const std::string& purpose, SessionRole role,
                                                  const std::vector<SnapshotId>& pins);
  Status CheckSession(const SessionRecord& mine);
  Status CheckPacksExist(const std::vector<PackId>& packs);
  Result<bool> IsDeleted(const SnapshotId& id);
  Result<std::optional<SnapshotNote>> FindNote(ObjectKind kind, const SnapshotId& id);
  Result<std::map<SnapshotId, SnapshotNote>> Notes(ObjectKind kind,
                                                   std::vector<DamagedRecord>* damaged);

  const RepositoryEnvironment environment_;
  const RepositoryConfig config_;
  const OpenMode mode_;
  const std::unique_ptr<WriterLock> lock_;
  const RepositoryAccess access_;
  Storage storage_;
  std::mutex mutex_;
  std::unique_ptr<Index> index_;  // guarded by mutex_; made once, then only its own locks matter
};

// Reads and decodes both copies of the configuration; one good copy is enough. `damage` gets a line
// for each bad one.
Result<RepositoryConfig> ReadConfig(Storage& storage, const std::string& repository_name,
                                    std::vector<std::string>* damage);

inline constexpr const char* kTombstonesDirectory = "tombstones";
inline constexpr const char* kHoldsDirectory = "holds";
inline constexpr const char* kCondemnedDirectory = "gc";
// Held by whoever collects: one GC at a time.
inline constexpr const char* kGcLock = "gc";
std::string SnapshotPath(const SnapshotId& id);

}  // namespace varve
