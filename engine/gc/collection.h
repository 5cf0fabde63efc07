// One run of a garbage collection: it carries out the steps of gc_protocol.h. Backups, restores,
// mounts, verifies and scrubs go on meanwhile; a second GC does not (Busy).
//
//   auto gc = Collection::Begin(repository, options, progress);
//   auto plan = (*gc)->Plan();        // walks everything, changes nothing
//   auto report = (*gc)->Execute();   // does what the plan says
//
// Interrupted at any point, it leaves a sound repository; the next run goes on with what it finds.
// Thread-compatible.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/progress.h"
#include "gc/gc_plan.h"
#include "gc/live_set.h"
#include "gc/marker.h"
#include "repo/id_set.h"
#include "repo/repository.h"

namespace varve {

struct GcReport {
  uint64_t packs_unlinked = 0;
  uint64_t bytes_unlinked = 0;
  uint64_t packs_condemned = 0;
  uint64_t bytes_condemned = 0;  // still there: unlinked by a later run
  uint64_t packs_written = 0;
  uint64_t bytes_written = 0;
  uint64_t packs_taken_back = 0;
  uint64_t snapshots_removed = 0;
  std::vector<std::string> waiting_for;  // purposes of the sessions that condemned packs wait for
};

// Denied if the plan removes more than a run may without force (G7).
Status CheckGcBrake(const GcPlan& plan, const GcOptions& options);

class Collection {
 public:
  // The repository is open for maintenance and borrowed. Busy if a GC is at work, Denied if the
  // repository is append-only.
  static Result<std::unique_ptr<Collection>> Begin(Repository& repository, const GcOptions& options,
                                                   Progress& progress);

  Result<GcPlan> Plan();
  // After Plan. Denied by the brake (G7), with the figures. When nobody is at work, what was
  // condemned by this run is unlinked by it too.
  Result<GcReport> Execute();

 private:
  using Steps = PrunerSteps<RepositorySets>;

  Collection(Repository& repository, const GcOptions& options, Progress& progress,
             std::unique_ptr<HeldLock> lock);

  // One round of the protocol, up to the mark and from there to its end.
  Status MarkRound();
  Status SweepRound();

  Status ListSnapshots();
  Status Mark();
  void FillPlan(bool may_rewrite);
  Status RemoveDeleted();
  Status Unlink();
  Status UnlinkKnowing(Index& index, bool index_is_kept);
  Result<bool> IsCovered(Index& index, const PackUsage& pack, const std::set<PackId>& leaving);
  Status AddFromOtherPacks(Index& index, const std::set<ContentId>& ids);
  Status Rewrite();
  Status Condemn();
  Status DropFromGroups(const std::set<PackId>& packs);
  Result<std::vector<SessionRecord>> Writers();
  void Pace(uint64_t bytes);

  Repository& repository_;
  Storage& storage_;
  const GcOptions options_;
  Progress& progress_;
  const std::unique_ptr<HeldLock> lock_;
  LiveSet live_;
  std::unique_ptr<Marker> marker_;
  IdSet<SnapshotId> marked_;

  // Of the current round.
  std::unique_ptr<Steps> steps_;
  std::vector<CondemnedRecord> groups_;
  std::map<SnapshotId, SnapshotRecord> records_;
  IdSet<PackId> listed_packs_;
  RepositoryUsage usage_;
  GcPlan plan_;
  bool blocked_ = false;  // writers were at work when this round condemned
  int64_t pace_begin_ns_ = 0;
  uint64_t paced_bytes_ = 0;
  GcReport report_;
};

}  // namespace varve
