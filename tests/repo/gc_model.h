// A model of the world around the steps of gc_protocol.h: three chunks, packs of one chunk each,
// two snapshots, two writers, a reader, a deleter, a pruner. Every move is one thing that is atomic
// in the real world too: a durable change, a listing, or what happens under the commit lock.
//
// States are plain bytes, so that a checker can copy and hash them by the million.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "repo/gc_protocol.h"

namespace varve {

// A set of small numbers.
struct Bits {
  uint8_t bits = 0;

  static Bits Of(int element) { return {static_cast<uint8_t>(1U << element)}; }
  bool Contains(int element) const { return (bits >> element & 1) != 0; }
  bool Empty() const { return bits == 0; }
  Bits& operator|=(Bits other) { return *this = *this | other; }
  Bits& operator-=(Bits other) { return *this = *this - other; }
  friend Bits operator|(Bits a, Bits b) { return {static_cast<uint8_t>(a.bits | b.bits)}; }
  friend Bits operator&(Bits a, Bits b) { return {static_cast<uint8_t>(a.bits & b.bits)}; }
  friend Bits operator-(Bits a, Bits b) { return {static_cast<uint8_t>(a.bits & ~b.bits)}; }
  friend bool operator==(Bits, Bits) = default;
};

struct ModelSets {
  using Pack = int;
  using Packs = Bits;
  using Snapshots = Bits;
  using Sessions = Bits;
  struct Groups {
    std::array<CondemnedGroup<ModelSets>, 4> all{};
    uint8_t count = 0;
    const CondemnedGroup<ModelSets>* begin() const { return all.data(); }
    const CondemnedGroup<ModelSets>* end() const { return all.data() + count; }
  };
};

inline constexpr int kWriters = 2;
inline constexpr int kReader = 2;  // its session's number
inline constexpr int kPackSlots = 8;
inline constexpr uint8_t kNobody = 7;  // a pin on no snapshot

enum class Actor : uint8_t { kWriter0, kWriter1, kReader, kDeleter, kPruner, kForeigner };
// What an actor does when it is its turn. Most have one choice.
enum class Choice : uint8_t { kGo, kDie, kReapAll, kRewrite };
struct Move {
  Actor actor;
  Choice choice;
};

struct ModelBounds {
  int prune_rounds = 2;
  int deletes = 2;
  bool reader = true;
  bool crashes = true;
  bool lost_leases = true;  // the pruner may take the living for dead
  bool rewrites = true;
  bool stale_views = false;  // writers look up in an index that forgets nothing
};

template <GcRules rules>
struct ModelState {
  // The durable world.
  Bits packs;
  std::array<uint8_t, kPackSlots> content{};  // the chunk in each pack
  uint8_t slots_used = 0;
  Bits records;
  Bits tombstones;
  std::array<Bits, 4> chunks_of{};  // by snapshot: 0 and 1 are there, 2 and 3 are the writers'
  Bits sessions;
  std::array<uint8_t, 3> pin{};
  Bits alive;
  ModelSets::Groups groups;

  struct Writer {
    WriterSteps<ModelSets, rules> steps;
    uint8_t picked = 0;
    uint8_t parent = kNobody;
    uint8_t chunks_done = 0;
    uint8_t dead = 0;
    Bits view;
    Bits reused;
  };
  std::array<Writer, kWriters> writers;
  struct Reader {
    uint8_t step = 0;  // pick and publish, check, then one chunk each
    uint8_t valid = 0;
  } reader;
  uint8_t deletes_done = 0;
  struct Pruner {
    PrunerSteps<ModelSets, rules> steps;
    uint8_t round = 0;
    Bits condemned;  // as read at the round's begin
  } pruner;
  // What a reader saw that it should not have seen.
  uint8_t reader_failed = 0;
};

template <GcRules rules>
class GcModel {
 public:
  using State = ModelState<rules>;
  static_assert(std::is_trivially_copyable_v<State>);
  static_assert(std::has_unique_object_representations_v<State>);

  explicit GcModel(const ModelBounds& bounds) : bounds_(bounds) {}

  // Snapshot 0 has chunks 0 and 1, snapshot 1 has 1 and 2; chunk i lies in pack i.
  State Start() const {
    State s;
    s.packs = {0b111};
    s.content = {0, 1, 2, 0, 0, 0, 0, 0};
    s.slots_used = 3;
    s.records = {0b11};
    s.chunks_of = {Bits{0b011}, Bits{0b110}, Bits{}, Bits{}};
    s.pin = {kNobody, kNobody, kNobody};
    if constexpr (!rules.session_before_lookup) {
      for (auto& writer : s.writers)
        writer.steps.BeginWithWork();
    }
    return s;
  }

  std::vector<Move> Moves(const State& s) const {
    std::vector<Move> moves;
    for (int w = 0; w < kWriters; ++w) {
      const auto& writer = s.writers[w];
      if (writer.dead != 0 || writer.steps.next() == WriterStep::kDone) continue;
      moves.push_back({static_cast<Actor>(w), Choice::kGo});
      if (bounds_.crashes && s.sessions.Contains(w)) {
        moves.push_back({static_cast<Actor>(w), Choice::kDie});
      }
    }
    if (bounds_.reader && s.reader.step < 4) moves.push_back({Actor::kReader, Choice::kGo});
    if (s.deletes_done < bounds_.deletes) moves.push_back({Actor::kDeleter, Choice::kGo});
    if (s.pruner.round < bounds_.prune_rounds) AddPrunerMoves(s, &moves);
    return moves;
  }

  State Apply(State s, const Move& move) const {
    switch (move.actor) {
      case Actor::kWriter0:
      case Actor::kWriter1:
        Write(&s, static_cast<int>(move.actor), move.choice);
        break;
      case Actor::kReader:
        Read(&s);
        break;
      case Actor::kDeleter:
        Delete(&s);
        break;
      case Actor::kPruner:
        Prune(&s, move.choice);
        break;
      case Actor::kForeigner:
        s.sessions = {};
        break;  // rm sessions/*
    }
    return s;
  }

  // What the protocol promises, or the promise that is broken.
  std::string Violation(const State& s) const {
    for (int snapshot = 0; snapshot < 4; ++snapshot) {
      if (!(s.records - s.tombstones).Contains(snapshot)) continue;
      const Bits lost = s.chunks_of[snapshot] - Stored(s, s.packs);
      if (!lost.Empty()) {
        return "snapshot " + std::to_string(snapshot) + " lost chunks " + std::to_string(lost.bits);
      }
    }
    return s.reader_failed != 0 ? "a reader lost a chunk of the snapshot it pinned" : "";
  }

  // Chunks in these packs.
  static Bits Stored(const State& s, Bits packs) {
    Bits chunks;
    for (int pack = 0; pack < s.slots_used; ++pack) {
      if (packs.Contains(pack)) chunks |= Bits::Of(s.content[pack]);
    }
    return chunks;
  }

 private:
  static bool IsAlive(const State& s, uint8_t snapshot) {
    return (s.records - s.tombstones).Contains(snapshot);
  }
  static bool NewPack(State* s, uint8_t chunk) {
    if (s->slots_used == kPackSlots) return false;
    s->content[s->slots_used] = chunk;
    s->packs |= Bits::Of(s->slots_used++);
    return true;
  }
  static Bits AllCondemned(const State& s) {
    Bits condemned;
    for (const auto& group : s.groups)
      condemned |= group.packs;
    return condemned;
  }
  // Writer 0 makes {0, 2} on snapshot 0, writer 1 {1, 0} on snapshot 1: the first chunk is its
  // parent's, the second one it looks up.
  static std::array<uint8_t, 2> Target(int w) {
    return w == 0 ? std::array<uint8_t, 2>{0, 2} : std::array<uint8_t, 2>{1, 0};
  }

  void Write(State* s, int w, Choice choice) const {
    auto& writer = s->writers[w];
    if (choice == Choice::kDie) {
      writer.dead = 1;
      s->alive -= Bits::Of(w);
      return;
    }
    if (writer.picked == 0) {
      writer.picked = 1;
      writer.parent = IsAlive(*s, w) ? static_cast<uint8_t>(w) : kNobody;
      if constexpr (!rules.session_before_lookup) writer.view = s->packs;
      return;
    }
    switch (writer.steps.next()) {
      case WriterStep::kPublishSession:
        s->sessions |= Bits::Of(w);
        s->alive |= Bits::Of(w);
        s->pin[w] = writer.parent;
        writer.steps.PublishedSession();
        break;
      case WriterStep::kCheckPins:
        writer.steps.CheckedPins(writer.parent == kNobody || IsAlive(*s, writer.parent));
        break;
      case WriterStep::kReadCondemned:
        writer.steps.ReadCondemned(AllCondemned(*s));
        writer.view =
            bounds_.stale_views ? Bits{static_cast<uint8_t>((1U << s->slots_used) - 1)} : s->packs;
        break;
      case WriterStep::kWork:
        Work(s, w);
        break;
      case WriterStep::kCommit:
        if (writer.steps.MayCommit(s->sessions.Contains(w), (writer.reused - s->packs).Empty())) {
          s->records |= Bits::Of(2 + w);
          for (const uint8_t chunk : Target(w))
            s->chunks_of[2 + w] |= Bits::Of(chunk);
        }
        break;
      case WriterStep::kEndSession:
        EndSession(s, w);
        break;
      case WriterStep::kDone:
        break;
    }
  }

  void Work(State* s, int w) const {
    auto& writer = s->writers[w];
    const uint8_t chunk = Target(w)[writer.chunks_done];
    const bool unchanged = writer.chunks_done == 0 && writer.parent != kNobody;
    if (!unchanged) {
      int found = -1;
      for (int pack = 0; pack < s->slots_used && found < 0; ++pack) {
        const bool has_it = writer.view.Contains(pack) && s->content[pack] == chunk;
        if (has_it && writer.steps.MayReuse(pack)) found = pack;
      }
      if (found >= 0) {
        writer.reused |= Bits::Of(found);
      } else if (!NewPack(s, chunk)) {
        writer.steps.GaveUp();  // the model is full
        return;
      }
    }
    if (++writer.chunks_done == 2) writer.steps.FinishedWork();
  }

  static void EndSession(State* s, int w) {
    auto& writer = s->writers[w];
    s->sessions -= Bits::Of(w);
    s->alive -= Bits::Of(w);
    s->pin[w] = kNobody;
    writer.steps.EndedSession();
    // Its parent was deleted under its hands: once more, without one.
    if (writer.chunks_done == 0 && writer.parent != kNobody) {
      writer = {};
      writer.picked = 1;
    }
  }

  // A reader of snapshot 0, whose lookups are repeated when a pack is gone.
  void Read(State* s) const {
    auto& reader = s->reader;
    if (reader.step == 0) {
      if (!IsAlive(*s, 0)) {
        reader.step = 4;
        return;
      }
      s->sessions |= Bits::Of(kReader);
      s->alive |= Bits::Of(kReader);
      s->pin[kReader] = 0;
    } else if (reader.step == 1) {
      if (!IsAlive(*s, 0)) reader.step = 3;
    } else {
      const bool vouched_for = s->sessions.Contains(kReader);  // nobody took it for dead
      const uint8_t chunk = reader.step - 2;
      if (vouched_for && !Stored(*s, s->packs).Contains(chunk)) s->reader_failed = 1;
    }
    if (++reader.step < 4) return;
    s->sessions -= Bits::Of(kReader);
    s->alive -= Bits::Of(kReader);
    s->pin[kReader] = kNobody;
  }

  void Delete(State* s) const {
    const Bits snapshot = Bits::Of(s->deletes_done++);
    if constexpr (rules.deletes_by_tombstone) {
      s->tombstones |= snapshot;
    } else {
      s->records -= snapshot;
    }
  }

  void AddPrunerMoves(const State& s, std::vector<Move>* moves) const {
    moves->push_back({Actor::kPruner, Choice::kGo});
    const PrunerStep step = s.pruner.steps.next();
    if (step == PrunerStep::kListSessions && bounds_.lost_leases && !s.alive.Empty()) {
      moves->push_back({Actor::kPruner, Choice::kReapAll});
    }
    if (bounds_.rewrites && step == PrunerStep::kRewrite && Rewritable(s) >= 0) {
      moves->push_back({Actor::kPruner, Choice::kRewrite});
    }
    // Dying between two reads is as good as not having begun.
    if (bounds_.crashes && step > PrunerStep::kRemoveDeleted) {
      moves->push_back({Actor::kPruner, Choice::kDie});
    }
  }

  static int Rewritable(const State& s) {
    if (s.slots_used == kPackSlots) return -1;
    for (int pack = 0; pack < s.slots_used; ++pack) {
      if (s.packs.Contains(pack) && s.pruner.steps.MayRewrite(pack)) return pack;
    }
    return -1;
  }

  static void NextRound(State* s) {
    const uint8_t round = s->pruner.round;
    s->pruner = {};
    s->pruner.round = static_cast<uint8_t>(round + 1);
  }

  // Packs with a chunk that a root has; condemned ones only if no other pack has it.
  static Bits Needed(const State& s) {
    Bits live;
    for (int snapshot = 0; snapshot < 4; ++snapshot) {
      if (s.pruner.steps.roots().Contains(snapshot)) live |= s.chunks_of[snapshot];
    }
    const Bits covered = Stored(s, s.packs - s.pruner.condemned);
    Bits needed;
    for (int pack = 0; pack < s.slots_used; ++pack) {
      const uint8_t chunk = s.content[pack];
      if (!s.packs.Contains(pack) || !live.Contains(chunk)) continue;
      if (s.pruner.condemned.Contains(pack) && covered.Contains(chunk)) continue;
      needed |= Bits::Of(pack);
    }
    return needed;
  }

  static void DropFromGroups(State* s, Bits packs) {
    ModelSets::Groups left;
    for (auto group : s->groups) {
      group.packs -= packs;
      if (!group.packs.Empty()) left.all[left.count++] = group;
    }
    s->groups = left;
  }

  static Bits Pins(const State& s) {
    Bits pins;
    for (int session = 0; session < 3; ++session) {
      if (s.sessions.Contains(session) && s.pin[session] != kNobody) {
        pins |= Bits::Of(s.pin[session]);
      }
    }
    return pins;
  }

  void Prune(State* s, Choice choice) const {
    if (choice == Choice::kDie) return NextRound(s);
    auto& steps = s->pruner.steps;
    switch (steps.next()) {
      case PrunerStep::kReadCondemned:
        s->pruner.condemned = AllCondemned(*s);
        steps.ReadCondemned(s->groups);
        break;
      case PrunerStep::kListSessions:
        s->sessions = choice == Choice::kReapAll ? Bits{} : s->sessions & s->alive;
        steps.ListedSessions(s->sessions - Bits::Of(kReader));
        break;
      case PrunerStep::kListPacks:
        steps.ListedPacks(s->packs);
        break;
      case PrunerStep::kListSnapshots:
        steps.ListedSnapshots(s->records - s->tombstones, s->records & s->tombstones);
        break;
      case PrunerStep::kListPins:
        steps.ListedPins(Pins(*s));
        break;
      case PrunerStep::kMark:
        steps.Marked(Needed(*s));
        break;
      case PrunerStep::kRemoveDeleted:
        s->records -= steps.DeletedToRemove();
        s->tombstones -= steps.DeletedToRemove();
        steps.RemovedDeleted();
        break;
      case PrunerStep::kTakeBack:
        DropFromGroups(s, steps.ToTakeBack());
        steps.TookBack();
        break;
      case PrunerStep::kUnlink: {
        const Bits gone = steps.ToUnlink();
        s->packs -= gone;
        DropFromGroups(s, gone);
        steps.Unlinked();
        break;
      }
      case PrunerStep::kRewrite: {
        const int pack = choice == Choice::kRewrite ? Rewritable(*s) : -1;
        if (pack >= 0) NewPack(s, s->content[pack]);
        steps.Rewrote(pack >= 0 ? Bits::Of(pack) : Bits{});
        break;
      }
      case PrunerStep::kCondemn:
        if (!steps.ToCondemn().Empty() && s->groups.count < s->groups.all.size()) {
          s->groups.all[s->groups.count++] = {steps.ToCondemn(), s->sessions - Bits::Of(kReader)};
        }
        steps.Condemned();
        break;
      case PrunerStep::kDone:
        NextRound(s);
        break;
    }
  }

  const ModelBounds bounds_;
};

}  // namespace varve
