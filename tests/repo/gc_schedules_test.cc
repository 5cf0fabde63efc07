// Races that lost data elsewhere, as schedules on the model: nothing is lost here, and with the
// rule dropped that answers it, something is.
#include <gtest/gtest.h>

#include "repo/gc_model.h"

namespace varve {
namespace {

constexpr int kGoesOn = 64;

template <GcRules rules>
class Play {
 public:
  explicit Play(const ModelBounds& bounds = {}) : model_(bounds), state_(model_.Start()) {}

  void Do(Actor actor, Choice choice = Choice::kGo) {
    state_ = model_.Apply(state_, {actor, choice});
    if (violation_.empty()) violation_ = model_.Violation(state_);
  }
  void WriteUntil(int w, WriterStep step) {
    for (int i = 0; i < kGoesOn && state_.writers[w].steps.next() != step; ++i) {
      Do(static_cast<Actor>(w));
    }
  }
  void PruneUntil(PrunerStep step) {
    for (int i = 0; i < kGoesOn && state_.pruner.steps.next() != step; ++i)
      Do(Actor::kPruner);
  }
  void PruneRound() {
    PruneUntil(PrunerStep::kDone);
    Do(Actor::kPruner);
  }
  const ModelState<rules>& state() const { return state_; }
  const std::string& violation() const { return violation_; }

 private:
  const GcModel<rules> model_;
  ModelState<rules> state_;
  std::string violation_;
};

// Proxmox Backup, PSA-2025-00019-1: the snapshot that a running backup builds upon is deleted, and
// a collection takes the chunks that the backup counts on.
template <GcRules rules>
std::string ParentDeletedUnderABackup() {
  Play<rules> play;
  play.WriteUntil(0, WriterStep::kWork);
  play.Do(Actor::kDeleter);
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  play.WriteUntil(0, WriterStep::kDone);
  return play.violation();
}
TEST(GcSchedules, ProxmoxParentDeletedUnderABackup) {
  EXPECT_EQ(ParentDeletedUnderABackup<kGcRules>(), "");
  // Two walls: the parent is a root, and what is swept is only condemned while the session lasts.
  constexpr GcRules kOneWall{.condemn_before_unlink = false};
  constexpr GcRules kNoTombstone{.deletes_by_tombstone = false, .condemn_before_unlink = false};
  constexpr GcRules kNoPin{.mark_pins_and_list_again = false, .condemn_before_unlink = false};
  EXPECT_EQ(ParentDeletedUnderABackup<kOneWall>(), "");
  EXPECT_NE(ParentDeletedUnderABackup<kNoTombstone>(), "");
  EXPECT_NE(ParentDeletedUnderABackup<kNoPin>(), "");
}

// Duplicacy's first fossil race: a backup saw the chunk, then it became a fossil, then the fossil
// was deleted before the backup was done.
template <GcRules rules>
std::string ReusedChunkCondemnedUnderABackup() {
  Play<rules> play;
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.WriteUntil(0, WriterStep::kCommit);  // relies on chunks 0 and 2, which nothing needs
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  play.WriteUntil(0, WriterStep::kDone);
  play.PruneRound();
  return play.violation();
}
TEST(GcSchedules, DuplicacyFossilDeletedBeforeTheBackupEnds) {
  EXPECT_EQ(ReusedChunkCondemnedUnderABackup<kGcRules>(), "");
  // (The check at the commit would catch it too, and refuse.)
  constexpr GcRules kDropped{.condemn_before_unlink = false, .commit_checks_session = false};
  EXPECT_NE(ReusedChunkCondemnedUnderABackup<kDropped>(), "");
}

// Duplicacy's second one: a snapshot appears between the two listings of a collection, and the one
// it was built upon disappears.
template <GcRules rules>
std::string CommittedBetweenTwoListings() {
  Play<rules> play;
  play.WriteUntil(0, WriterStep::kWork);
  play.Do(Actor::kDeleter);
  play.PruneUntil(PrunerStep::kListSnapshots);
  play.Do(Actor::kPruner);  // lists the snapshots: 0 is deleted, 2 is not there yet
  play.WriteUntil(0, WriterStep::kDone);
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  return play.violation();
}
TEST(GcSchedules, DuplicacySnapshotAppearsWhileTheCollectionLists) {
  EXPECT_EQ(CommittedBetweenTwoListings<kGcRules>(), "");
  constexpr GcRules kDropped{.mark_pins_and_list_again = false, .condemn_before_unlink = false};
  EXPECT_NE(CommittedBetweenTwoListings<kDropped>(), "");
}

// restic #2715: a machine sleeps, its lock goes stale and is removed, a prune runs, it wakes up.
template <GcRules rules>
std::string SleepsPastItsLease() {
  Play<rules> play;
  play.WriteUntil(0, WriterStep::kCommit);
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.PruneUntil(PrunerStep::kListSessions);
  play.Do(Actor::kPruner, Choice::kReapAll);
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  play.WriteUntil(0, WriterStep::kDone);
  return play.violation();
}
TEST(GcSchedules, ResticSleeperWakesAfterThePrune) {
  EXPECT_EQ(SleepsPastItsLease<kGcRules>(), "");
  EXPECT_NE(SleepsPastItsLease<GcRules{.commit_checks_session = false}>(), "");
}

// The same by a person's hand: `rm sessions/*` because something said "locked".
template <GcRules rules>
std::string ForeignUnlock() {
  Play<rules> play;
  play.WriteUntil(0, WriterStep::kCommit);
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.Do(Actor::kForeigner);
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  play.WriteUntil(0, WriterStep::kDone);
  return play.violation();
}
TEST(GcSchedules, ResticForeignUnlock) {
  EXPECT_EQ(ForeignUnlock<kGcRules>(), "");
  EXPECT_NE(ForeignUnlock<GcRules{.commit_checks_session = false}>(), "");
}

// And a lock that nobody holds any more must not stop the world: the dead session is removed and
// the next rounds collect what only it would have used.
TEST(GcSchedules, ResticStaleLockOfADeadProcessBlocksNothing) {
  Play<kGcRules> play;
  play.WriteUntil(0, WriterStep::kWork);
  play.Do(Actor::kWriter0, Choice::kDie);
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  EXPECT_EQ(play.violation(), "");
  EXPECT_TRUE(play.state().packs.Empty());
  EXPECT_TRUE(play.state().records.Empty());
}

// borg #9748: a compaction is interrupted after it removed things and before the cache heard of it;
// a later backup finds chunks in the cache that do not exist.
template <GcRules rules>
std::string StaleCacheAfterAnInterruptedCompaction() {
  Play<rules> play({.stale_views = true});
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.PruneRound();
  play.PruneUntil(PrunerStep::kUnlink);
  play.Do(Actor::kPruner);
  play.Do(Actor::kPruner, Choice::kDie);
  play.WriteUntil(0, WriterStep::kDone);
  return play.violation();
}
TEST(GcSchedules, BorgStaleCacheAfterAnInterruptedCompaction) {
  EXPECT_EQ(StaleCacheAfterAnInterruptedCompaction<kGcRules>(), "");
  EXPECT_NE(StaleCacheAfterAnInterruptedCompaction<GcRules{.commit_checks_session = false}>(), "");
}

// kopia's moving "now": a collection judges age by a clock that moves while it runs. Here a backup
// may take as many collections as it likes; no number of them makes what it uses old enough.
TEST(GcSchedules, KopiaABackupOlderThanAnyNumberOfCollections) {
  Play<kGcRules> play;
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.WriteUntil(0, WriterStep::kCommit);
  for (int round = 0; round < 20; ++round)
    play.PruneRound();
  play.WriteUntil(0, WriterStep::kDone);
  EXPECT_TRUE(play.state().records.Contains(2)) << "it was committed";
  for (int round = 0; round < 3; ++round)
    play.PruneRound();
  EXPECT_EQ(play.violation(), "");
}

// A pack that was condemned and then found needed is taken back, for good.
TEST(GcSchedules, ACondemnedPackThatIsNeededIsTakenBack) {
  Play<kGcRules> play;
  play.Do(Actor::kDeleter);
  play.Do(Actor::kDeleter);
  play.WriteUntil(0, WriterStep::kCommit);
  play.PruneRound();
  EXPECT_EQ(play.state().groups.count, 1);
  play.WriteUntil(0, WriterStep::kDone);
  play.PruneRound();
  play.PruneRound();
  EXPECT_EQ(play.violation(), "");
  EXPECT_EQ(play.state().packs.bits, 0b101) << "what the new snapshot reuses, and nothing else";
  EXPECT_EQ(play.state().groups.count, 0);
}

}  // namespace
}  // namespace varve
