// Opens snapshots of a repository for as long as a mount lives. All of them share one bounded
// cache.
//
// An index is a view of one moment, so the repository is opened anew when snapshots came; what is
// open keeps what it has. When a chunk is not where the index says (packs were rewritten since), a
// file looks again through a fresh index before it fails.
//
// Whatever is open is protected from GC by a session in the repository (G4): one for each opening,
// which ends with the last file that was opened through it. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "api/engine.h"

namespace varve {

class SnapshotSource {
 public:
  // Opens the repository for reading.
  using OpenEngine = std::function<Result<std::unique_ptr<Engine>>()>;

  SnapshotSource(OpenEngine open_engine, size_t cache_bytes);

  // Keeps a snapshot from being collected for as long as this lives. NotFound if it was deleted.
  Status Pin(const SnapshotId& id);
  // The repository as it was opened last; opened now if it is not.
  Result<std::shared_ptr<Engine>> engine();
  // There are snapshots that the index may not know.
  void Outdated();

 private:
  friend class SnapshotFile;
  struct OpenRepository {
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Session> session;  // null where none can be made
  };
  struct OpenSnapshot {
    std::shared_ptr<OpenRepository> repository;
    std::unique_ptr<SnapshotReader> reader;
  };
  Status OpenLocked();
  Status BeginSession(OpenRepository& repository);
  Result<std::shared_ptr<OpenSnapshot>> Open(const SnapshotRecord& record);

  const OpenEngine open_engine_;
  const std::shared_ptr<SharedReading> shared_;
  std::mutex mutex_;
  std::vector<SnapshotId> pins_;                // guarded by mutex_, like below
  std::shared_ptr<OpenRepository> repository_;  // null before the first use and when outdated
};

// The volume of one snapshot.
class SnapshotFile : public VolumeView {
 public:
  // `source` is borrowed.
  static Result<std::shared_ptr<SnapshotFile>> Open(SnapshotSource& source,
                                                    const SnapshotRecord& record);

  uint64_t size_bytes() const override { return record_.size_bytes; }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override;
  Result<ViewExtent> NextExtent(uint64_t offset) override;
  // SnapshotReader::DataBytes.
  Result<uint64_t> DataBytes();

 private:
  using Opened = std::shared_ptr<SnapshotSource::OpenSnapshot>;
  SnapshotFile(SnapshotSource& source, const SnapshotRecord& record, Opened opened)
      : source_(source), record_(record), opened_(std::move(opened)) {}

  Opened Current();
  Status Reopen(const Opened& failed);

  SnapshotSource& source_;
  const SnapshotRecord record_;
  std::mutex mutex_;
  Opened opened_;  // guarded by mutex_
};

}  // namespace varve
