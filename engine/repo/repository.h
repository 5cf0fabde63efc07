// A repository: its configuration, its snapshots, its packs and the index over them; and the one
// place that knows in which order things become durable (R6, G1, G5).
//
// Opened for reading it changes nothing, needs no lock and is never blocked. Opened for writing it
// holds the writer's lock: one process at a time, a second one is told who that is.
// Thread-safe, except Open and Create.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "format/config_format.h"
#include "format/session_record.h"
#include "format/snapshot_record.h"
#include "io/storage.h"
#include "repo/index_keeper.h"
#include "repo/local_state.h"

namespace varve {

enum class OpenMode { kRead, kWrite };

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
};

// A snapshot record that could not be read.
struct DamagedRecord {
  std::string path;
  Status status;
};

class Repository {
 public:
  // Makes an empty repository in a directory that is empty. AlreadyExists otherwise. A crash leaves
  // a directory that Create takes again or a whole repository.
  static Status Create(const RepositoryEnvironment& environment, uint32_t chunk_size_bytes);

  // NotFound if there is no repository at all; Corruption, Unsupported, Busy as the case may be.
  static Result<std::unique_ptr<Repository>> Open(const RepositoryEnvironment& environment,
                                                  OpenMode mode, const std::string& purpose);
  ~Repository();

  const RepositoryConfig& config() const { return config_; }
  const std::string& name() const { return environment_.name; }
  const Clock& clock() const { return *environment_.clock; }
  Random& random() const { return *environment_.random; }
  Storage& storage() { return storage_; }
  LocalState& local() { return *environment_.local; }
  void Notice(const std::string& text) const { environment_.notice(text); }

  // All snapshots by ascending sequence. Damaged records are Corruption unless the caller asks for
  // them apart: then they are listed there and left out.
  Result<std::vector<SnapshotRecord>> Snapshots(std::vector<DamagedRecord>* damaged = nullptr);
  Result<SnapshotRecord> Snapshot(const SnapshotId& id);

  // The index, opened at the first call; list or pick snapshots before, so that it knows all their
  // packs.
  Result<Index*> index();
  // Deletes and rebuilds it. Writers only.
  Status RebuildIndex();

  // Makes a writer's durable session record (G1). Sessions of dead writers are removed: whoever
  // holds the writer's lock is the only one alive.
  Result<SessionRecord> BeginSession(const std::string& purpose,
                                     const std::optional<SnapshotId>& parent);
  // Publishes the record: the commit (R6). Everything it names is durable already. Checks first
  // that the session is still this writer's and that the packs it reused exist (G5). Fills in
  // sequence and predecessor, and what the record itself adds to bytes stored and metadata.
  Status Commit(const SessionRecord& session, const std::vector<PackId>& reused_packs,
                SnapshotRecord* record);
  // Ends a session, committed or not.
  Status EndSession(const SessionRecord& session);
  Result<std::vector<SessionRecord>> Sessions();

 private:
  Repository(const RepositoryEnvironment& environment, RepositoryConfig config, OpenMode mode,
             std::unique_ptr<WriterLock> lock);

  Status RemoveLeftovers();

  const RepositoryEnvironment environment_;
  const RepositoryConfig config_;
  const OpenMode mode_;
  const std::unique_ptr<WriterLock> lock_;
  Storage storage_;
  std::mutex mutex_;
  std::unique_ptr<Index> index_;  // guarded by mutex_; made once, then only its own locks matter
};

// Reads and decodes both copies of the configuration; one good copy is enough. `damage` gets a line
// for each bad one.
Result<RepositoryConfig> ReadConfig(Storage& storage, const std::string& repository_name,
                                    std::vector<std::string>* damage);

inline constexpr const char* kConfigPath = "config";
inline constexpr const char* kConfigCopyPath = "config.copy";
std::string SnapshotPath(const SnapshotId& id);

}  // namespace varve
