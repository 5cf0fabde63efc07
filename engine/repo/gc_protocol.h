// The protocol by which data goes away while everything else runs (reliability.md, G1 to G5), as
// step machines: pure values that say what comes next and decide on what was seen. They do no I/O.
// The engine carries the steps out (gc_executor, repository_sessions); the model checker in tests
// carries out the same steps against a model of the world, in every interleaving.
//
// The argument, in short. A pack goes away in two durable steps: condemned, then unlinked.
// - Who begins after it was condemned does not rely on it (KnownCondemned), except through a parent
//   that is pinned, and pins are roots of every mark.
// - Who began before is named in the condemned group. The pack is unlinked only by a mark that
// began
//   after all of these had ended, so that whatever they committed is among its roots.
// - A pack that such a mark finds needed is taken back.
//
// Sets is a traits type with the set types Snapshots, Sessions, Packs and Groups (a sequence of
// CondemnedGroup). Rules exist so that tests can drop one and see it fail; all of ours hold.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace varve {

struct GcRules {
  bool session_before_lookup = true;     // G1
  bool deletes_by_tombstone = true;      // G2
  bool mark_pins_and_list_again = true;  // G3
  bool condemn_before_unlink = true;     // G4
  bool commit_checks_session = true;     // G5
};
inline constexpr GcRules kGcRules{};

template <typename Sets>
struct CondemnedGroup {
  typename Sets::Packs packs;
  typename Sets::Sessions blockers;  // writers that were at work when it was condemned
};

// ---- A writer, from its session to its commit. ----

enum class WriterStep : uint8_t {
  kPublishSession,  // durable: id, token, pinned parent
  kCheckPins,       // was the parent deleted before the session was known?
  kReadCondemned,
  kWork,    // look up, reuse, store
  kCommit,  // under the commit lock: is the session still there, and what it reused?
  kEndSession,
  kDone,
};

template <typename Sets, GcRules rules = kGcRules>
class WriterSteps {
 public:
  WriterStep next() const { return step_; }

  void PublishedSession() {
    Expect(WriterStep::kPublishSession);
    step_ = rules.session_before_lookup ? WriterStep::kCheckPins : WriterStep::kCommit;
  }
  // A deleted parent is no parent. The session ends; another one may begin.
  void CheckedPins(bool all_there) {
    Expect(WriterStep::kCheckPins);
    step_ = all_there ? WriterStep::kReadCondemned : WriterStep::kEndSession;
  }
  void ReadCondemned(const typename Sets::Packs& condemned) {
    Expect(WriterStep::kReadCondemned);
    condemned_ = condemned;
    step_ = WriterStep::kWork;
  }
  // May the new snapshot rely on what is in this pack?
  bool MayReuse(const typename Sets::Pack& pack) const { return !condemned_.Contains(pack); }
  // A session may commit several times.
  void FinishedWork() {
    VARVE_CHECK(step_ == WriterStep::kWork || step_ == WriterStep::kEndSession);
    step_ = rules.session_before_lookup ? WriterStep::kCommit : WriterStep::kPublishSession;
  }
  // `session_there` and `packs_there` are what the commit saw under its lock. True: publish the
  // record now, still under it.
  bool MayCommit(bool session_there, bool packs_there) {
    Expect(WriterStep::kCommit);
    step_ = WriterStep::kEndSession;
    return !rules.commit_checks_session || (session_there && packs_there);
  }
  void GaveUp() { step_ = WriterStep::kEndSession; }
  void EndedSession() {
    Expect(WriterStep::kEndSession);
    step_ = WriterStep::kDone;
  }
  // Without G1 there is work before the session; tests begin there.
  void BeginWithWork() {
    VARVE_CHECK(!rules.session_before_lookup);
    step_ = WriterStep::kWork;
  }

 private:
  void Expect(WriterStep step) const { VARVE_CHECK(step_ == step); }

  WriterStep step_ = WriterStep::kPublishSession;
  typename Sets::Packs condemned_{};
};

// ---- One round of a GC. ----

enum class PrunerStep : uint8_t {
  kReadCondemned,  // all groups
  kListSessions,   // of writers, after the dead ones were removed
  kListPacks,
  kListSnapshots,  // tombstones first, then records
  kListPins,       // of all sessions
  kMark,           // walk all roots: which packs are needed?
  kRemoveDeleted,  // records and tombstones of deleted snapshots
  kTakeBack,       // condemned packs that turned out needed
  kUnlink,
  kRewrite,  // new pack durable, then the old one counts as not needed
  kCondemn,  // under the commit lock: list the writers and publish the group
  kDone,
};

template <typename Sets, GcRules rules = kGcRules>
class PrunerSteps {
  using Snapshots = typename Sets::Snapshots;
  using Sessions = typename Sets::Sessions;
  using Packs = typename Sets::Packs;

 public:
  PrunerStep next() const { return step_; }

  void ReadCondemned(const typename Sets::Groups& groups) {
    Expect(PrunerStep::kReadCondemned);
    groups_ = groups;
    step_ = PrunerStep::kListSessions;
  }
  // Beyond this point whoever could rely on an eligible pack has committed, or never will.
  void ListedSessions(const Sessions& writers) {
    Expect(PrunerStep::kListSessions);
    for (const auto& group : groups_) {
      condemned_ |= group.packs;
      if ((group.blockers & writers).Empty()) eligible_ |= group.packs;
    }
    step_ = PrunerStep::kListPacks;
  }
  // What is not there yet is not judged by this round.
  void ListedPacks(const Packs& packs) {
    Expect(PrunerStep::kListPacks);
    packs_ = packs;
    step_ = PrunerStep::kListSnapshots;
  }
  void ListedSnapshots(const Snapshots& alive, const Snapshots& deleted) {
    Expect(PrunerStep::kListSnapshots);
    before_ = roots_;
    roots_ |= alive;
    deleted_ |= deleted;
    step_ = PrunerStep::kListPins;
    if constexpr (!rules.mark_pins_and_list_again) step_ = PrunerStep::kMark;
  }
  // Again until nothing new appears, and at least twice: what was committed between the two
  // listings of a round is in the next one.
  void ListedPins(const Snapshots& pins) {
    Expect(PrunerStep::kListPins);
    roots_ |= pins & (roots_ | deleted_);
    const bool stable = listed_once_ != 0 && roots_ == before_;
    listed_once_ = 1;
    step_ = stable ? PrunerStep::kMark : PrunerStep::kListSnapshots;
  }
  const Snapshots& roots() const { return roots_; }

  // `needed`: packs with a frame that a root reaches; of condemned packs only those with such a
  // frame that no pack that is not condemned holds. An error in the mark ends the GC instead: then
  // nothing is swept.
  void Marked(const Packs& needed) {
    Expect(PrunerStep::kMark);
    needed_ = needed;
    step_ = PrunerStep::kRemoveDeleted;
  }
  // Nobody can pin them any more: a session that would is too late (kCheckPins).
  Snapshots DeletedToRemove() const { return deleted_ - roots_; }
  void RemovedDeleted() {
    Expect(PrunerStep::kRemoveDeleted);
    step_ = PrunerStep::kTakeBack;
  }
  Packs ToTakeBack() const { return condemned_ & needed_; }
  void TookBack() {
    Expect(PrunerStep::kTakeBack);
    step_ = PrunerStep::kUnlink;
  }
  Packs ToUnlink() const {
    if constexpr (!rules.condemn_before_unlink) return packs_ - needed_;
    return (eligible_ & packs_) - needed_;
  }
  void Unlinked() {
    Expect(PrunerStep::kUnlink);
    step_ = PrunerStep::kRewrite;
  }
  bool MayRewrite(const typename Sets::Pack& pack) const {
    return packs_.Contains(pack) && needed_.Contains(pack) && !condemned_.Contains(pack);
  }
  // Every live frame of it has a durable copy in another pack now.
  void Rewrote(const Packs& packs) {
    Expect(PrunerStep::kRewrite);
    rewritten_ |= packs;
    step_ = PrunerStep::kCondemn;
  }
  Packs ToCondemn() const {
    if constexpr (!rules.condemn_before_unlink) return rewritten_;
    return ((packs_ - needed_) - condemned_) | rewritten_;
  }
  void Condemned() {
    Expect(PrunerStep::kCondemn);
    step_ = PrunerStep::kDone;
  }

 private:
  void Expect(PrunerStep step) const { VARVE_CHECK(step_ == step); }

  PrunerStep step_ = PrunerStep::kReadCondemned;
  uint8_t listed_once_ = 0;
  typename Sets::Groups groups_{};
  Packs condemned_{};
  Packs eligible_{};
  Packs packs_{};
  Packs needed_{};
  Packs rewritten_{};
  Snapshots roots_{};
  Snapshots before_{};
  Snapshots deleted_{};
};

}  // namespace varve
