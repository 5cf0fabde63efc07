// Every interleaving of {two writers, a pruner, a deleter, a reader} over three chunks, within the
// bounds, keeps what the protocol promises; and each rule is needed: without it something is lost.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/fingerprint.h"
#include "repo/gc_model.h"

namespace varve {
namespace {

// A set of 64-bit hashes: open addressing, grows.
class HashSet {
 public:
  HashSet() : slots_(size_t{1} << 16) {}
  // False if it was there.
  bool Insert(uint64_t hash) {
    if (hash == 0) hash = 1;
    if (2 * count_ >= slots_.size()) Grow();
    uint64_t& slot = Slot(hash);
    if (slot == hash) return false;
    slot = hash;
    ++count_;
    return true;
  }
  size_t size() const { return count_; }

 private:
  uint64_t& Slot(uint64_t hash) {
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != 0 && slots_[at] != hash)
      at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void Grow() {
    const std::vector<uint64_t> old = std::move(slots_);
    slots_.assign(old.size() * 2, 0);
    for (const uint64_t hash : old) {
      if (hash != 0) Slot(hash) = hash;
    }
  }

  std::vector<uint64_t> slots_;
  size_t count_ = 0;
};

template <GcRules rules>
class Checker {
 public:
  explicit Checker(const ModelBounds& bounds) : model_(bounds) {}

  // Visits every reachable state, or stops at the first violation.
  void Run() { Visit(model_.Start()); }

  size_t states() const { return seen_.size(); }
  const std::string& violation() const { return violation_; }
  size_t committed() const { return committed_; }
  size_t unlinked() const { return unlinked_; }

 private:
  void Visit(const ModelState<rules>& state) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&state);
    if (!seen_.Insert(ComputeChecksum(ByteSpan(bytes, sizeof(state))))) return;
    violation_ = model_.Violation(state);
    if (!violation_.empty()) return;
    if ((state.records.bits & 0b1100) != 0) ++committed_;
    if ((state.packs.bits & 0b111) != 0b111) ++unlinked_;
    for (const Move& move : model_.Moves(state)) {
      Visit(model_.Apply(state, move));
      if (!violation_.empty()) {
        violation_ += " <- " + std::to_string(static_cast<int>(move.actor)) + "." +
                      std::to_string(static_cast<int>(move.choice));
        return;
      }
    }
  }

  const GcModel<rules> model_;
  HashSet seen_;
  std::string violation_;
  size_t committed_ = 0;
  size_t unlinked_ = 0;
};

void ExpectEveryInterleavingIsSafe(const ModelBounds& bounds) {
  Checker<kGcRules> checker(bounds);
  checker.Run();
  EXPECT_EQ(checker.violation(), "");
  std::printf("%zu states, %zu with a new snapshot, %zu with an unlinked pack\n", checker.states(),
              checker.committed(), checker.unlinked());
  // It did something: snapshots were committed and packs unlinked in between.
  EXPECT_GT(checker.states(), 10'000U);
  EXPECT_GT(checker.committed(), 1'000U);
  EXPECT_GT(checker.unlinked(), 1'000U);
}

// The whole bound at once has 116,333,470 states (two minutes, 4 GiB): VARVE_MODEL_CHECK=full. In
// every run it is covered in pieces, each of which leaves one kind of trouble out.
TEST(GcModelCheck, EveryInterleavingOfAllFiveIsSafe) {
  const char* wish = std::getenv("VARVE_MODEL_CHECK");
  if (wish != nullptr && std::string(wish) == "full") return ExpectEveryInterleavingIsSafe({});
  ExpectEveryInterleavingIsSafe({.crashes = false, .lost_leases = false, .rewrites = false});
}

TEST(GcModelCheck, CrashesAreSafe) {
  ExpectEveryInterleavingIsSafe({.deletes = 1, .reader = false, .lost_leases = false});
}

TEST(GcModelCheck, TakingTheLivingForDeadIsSafe) {
  ExpectEveryInterleavingIsSafe({.reader = false, .crashes = false, .rewrites = false});
}

TEST(GcModelCheck, IndexesThatForgetNothingAreCaughtByTheCommit) {
  ExpectEveryInterleavingIsSafe(
      {.deletes = 1, .reader = false, .crashes = false, .stale_views = true});
}

template <GcRules rules>
std::string ViolationWith() {
  Checker<rules> checker({});
  checker.Run();
  std::printf("%zu states until: %s\n", checker.states(), checker.violation().c_str());
  return checker.violation();
}

TEST(GcModelCheck, WithoutSessionsBeforeLookupsSomethingIsLost) {
  EXPECT_NE(ViolationWith<GcRules{.session_before_lookup = false}>(), "");
}
TEST(GcModelCheck, WithoutTombstonesSomethingIsLost) {
  EXPECT_NE(ViolationWith<GcRules{.deletes_by_tombstone = false}>(), "");
}
TEST(GcModelCheck, WithoutPinsAndListingAgainSomethingIsLost) {
  EXPECT_NE(ViolationWith<GcRules{.mark_pins_and_list_again = false}>(), "");
}
TEST(GcModelCheck, WithoutTheStepBetweenSomethingIsLost) {
  EXPECT_NE(ViolationWith<GcRules{.condemn_before_unlink = false}>(), "");
}
TEST(GcModelCheck, WithoutTheCheckAtTheCommitSomethingIsLost) {
  EXPECT_NE(ViolationWith<GcRules{.commit_checks_session = false}>(), "");
}

}  // namespace
}  // namespace varve
