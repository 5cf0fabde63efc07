// Start here. What agent, fuse, tools and bench may see of the engine: a repository on this
// machine, and what can be done with it. Everything else is reached through these types.
//
//   auto engine = Engine::Open("repo", OpenMode::kWrite, "snapshot", notice);
//   auto report = (*engine)->Snapshot("volume.img", options, progress);
//
// Thread-compatible: one thread per Engine; Progress is read by others meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/key_source.h"
#include "base/progress.h"
#include "base/status.h"
#include "format/quota_table.h"
#include "gc/collection.h"
#include "gc/retention_policy.h"
#include "gc/unique_size.h"
#include "heal/repairer.h"
#include "heal/scrubber.h"
#include "heal/snapshot_copier.h"
#include "io/disk.h"
#include "repo/repository.h"
#include "restore/checker.h"
#include "restore/restore_target.h"
#include "restore/restorer.h"
#include "restore/snapshot_reader.h"
#include "restore/verifier.h"
#include "snapshot/snapshotter.h"

namespace varve {

// A run of bytes of a volume.
struct VolumeExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
};

struct RestoreRequest {
  std::string target;
  TargetMode mode = TargetMode::kNewFile;
  RestoreOptions options;
};

struct RestoreOutcome {
  RestoreReport report;
  bool resumed = false;
};

// How a repository is opened beyond where it is and what for.
struct KeyOptions {
  KeySource source = KeySource::FromEnvironment();
  // Without a key an encrypted repository can still be listed by names and checked as stored.
  bool may_stay_locked = false;
};

// The first key of a new encrypted repository.
struct EncryptionOptions {
  KeySource source;
  std::string label;
  ScryptCost cost;
};

struct RepositoryTotals {
  uint64_t snapshots = 0;
  uint64_t volumes = 0;
  uint64_t packs = 0;
  uint64_t bytes_stored = 0;  // all files, the index left out
  uint64_t bytes_index = 0;
  uint64_t bytes_logical = 0;  // sum of the snapshots' volume sizes
  uint64_t chunks = 0;         // frames of each kind in all packs
  uint64_t chunk_deltas = 0;
  uint64_t nodes = 0;
  uint64_t chunk_raw_bytes = 0;     // what these chunks decode to
  uint64_t chunk_stored_bytes = 0;  // what they take
};

// What `inspect` says of an object: facts in reading order, and a table of what is inside.
struct Inspection {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// A volume's quota and what is in use of it.
struct QuotaState {
  VolumeQuota quota;
  uint64_t bytes_used = 0;
};

// What is to be deleted: snapshots by name, or what a policy does not keep.
struct ForgetRequest {
  std::vector<std::string> selectors;
  std::string volume_name;  // with a policy: of this volume only
  RetentionPolicy policy;
  // In spite of the brake (G7) and of clocks that went wrong (G6).
  bool force = false;
};

class Engine {
 public:
  // Makes a repository. The directory is created if it does not exist (its parent must).
  // With `encryption` everything in it is sealed.
  static Status Init(const std::string& directory, RepositoryOptions options,
                     const EncryptionOptions* encryption = nullptr);
  // `notice` gets lines for people about what went another way than usual but well.
  static Result<std::unique_ptr<Engine>> Open(const std::string& directory, OpenMode mode,
                                              const std::string& purpose, NoticeFunction notice,
                                              const KeyOptions& key = {});
  // For reading, without any index: places come from the packs themselves. For `recover`.
  static Result<std::unique_ptr<Engine>> OpenWithoutIndex(const std::string& directory,
                                                          NoticeFunction notice,
                                                          const KeyOptions& key = {});
  ~Engine();

  Repository& repository() { return *repository_; }

  // All snapshots, or those of one volume, by ascending sequence. Damaged records are told to
  // `notice` and left out.
  Result<std::vector<SnapshotRecord>> List(const std::string& volume_name);
  // By id, unique prefix, `latest` or `VOLUME@latest`.
  Result<SnapshotRecord> Find(const std::string& selector);

  // options.volume_name may be empty: then it is the file's name.
  Result<SnapshotReport> Snapshot(const std::string& volume_path, SnapshotOptions options,
                                  Progress& progress);
  // Takes a snapshot of an overlay and what is below it, in time proportional to what was written.
  // The snapshot below is its parent; options.volume_name may be empty: then it is the parent's.
  // The overlay stays as it is.
  Result<SnapshotReport> CommitOverlay(const std::string& directory, SnapshotOptions options,
                                       Progress& progress);
  Result<RestoreOutcome> Restore(const SnapshotRecord& record, const RestoreRequest& request,
                                 Progress& progress);
  // Writes bytes [offset, offset + length) of the snapshot to the new file `target`.
  Status RestoreRange(const SnapshotRecord& record, uint64_t offset, uint64_t length,
                      const std::string& target, Progress& progress);
  // Neighbouring changed chunks merged, cut at the end of the larger volume.
  Result<std::vector<VolumeExtent>> Diff(const SnapshotRecord& a, const SnapshotRecord& b);
  Result<VerifyReport> Verify(const SnapshotRecord& record, VerifyLevel level, Progress& progress);
  Result<CheckReport> Check(Progress& progress);
  // Looks for damage, longest unseen first. The repository may be open for reading: a scrub writes
  // nothing but its own progress and what it found.
  Result<ScrubReport> Scrub(const ScrubOptions& options, Progress& progress);
  // Heals with what the repository itself, `from` (another repository, may be empty) and `volume`
  // (the live volume called `volume_name`, may be empty) have. Open for writing to execute.
  Result<RepairReport> Repair(const RepairOptions& options, const std::string& from,
                              const std::string& volume, const std::string& volume_name,
                              Progress& progress);
  // Copies snapshots, oldest first, into the repository `target`, telling `on_copied` of each.
  Status CopyTo(const std::string& target, std::vector<SnapshotRecord> records, Progress& progress,
                const std::function<void(const CopyReport&)>& on_copied);
  Result<RepositoryTotals> Totals();
  // What would be deleted and why; with a policy also what is kept and why. Held snapshots are kept
  // by a policy and refused by name. Changes nothing.
  Result<std::vector<RetentionDecision>> PlanForget(const ForgetRequest& request);
  // Deletes what the plan does not keep. Open for maintenance.
  Status Forget(const std::vector<RetentionDecision>& plan);

  // What the snapshots of a volume may store in the packs (FORMAT.md §5), by ascending name.
  Result<std::vector<QuotaState>> Quotas();
  // Sets or replaces a volume's quota, after it measured what the volume's snapshots need. Open for
  // maintenance. Busy while a GC is at work.
  Result<QuotaState> SetQuota(const std::string& volume_name, uint64_t bytes_max,
                              Progress& progress);
  // NotFound if the volume has none.
  Status RemoveQuota(const std::string& volume_name);

  // Key slots of an encrypted repository; InvalidArgument if it is not one.
  Result<KeySlotListing> KeySlots();
  // Opened for maintenance or writing. The new slot is durable and was read back.
  Result<KeySlotId> AddKey(const EncryptionOptions& key);
  // Removes a slot, by id or unique prefix; its id if it went away.
  Result<KeySlotId> RemoveKey(const std::string& slot);
  // The slot's object, which put back as both of its files is the slot again.
  Result<Bytes> ExportKey(const std::string& slot);
  // `config`, a snapshot, a pack, or the id of a chunk or node; unique prefixes will do.
  Result<Inspection> Inspect(const std::string& name);

 private:
  Engine() = default;
  static Result<std::unique_ptr<Engine>> OpenWith(const std::string& directory,
                                                  std::unique_ptr<LocalState> local, OpenMode mode,
                                                  const std::string& purpose, NoticeFunction notice,
                                                  const KeyOptions& key);
  // Keeps a snapshot readable while it lasts; null where no session can be made (a medium that is
  // read-only or full): then a delete may overtake the reader, who meets errors, never wrong bytes.
  Result<std::unique_ptr<Session>> PinForReading(const SnapshotRecord& record,
                                                 const std::string& purpose);
  Status CheckOutside(const std::string& what, const std::string& path) const;
  Result<Inspection> InspectPack(const PackId& id);
  Result<Inspection> InspectFrame(const Place& place);

  std::string directory_;  // absolute
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<LocalState> local_;
  std::unique_ptr<Repository> repository_;
};

}  // namespace varve
