#include "codec/match_finder.h"

#include <algorithm>

#include "base/status.h"
#include "codec/byte_runs.h"

namespace varve {

// A greedy parse with a table of single positions, as in zstd's fast strategy, for pages of
// databases: most of what repeats in them repeats at the distance of the record before, so the two
// last distances are compared for several positions at once, before any hash is looked at. Time
// goes into branches that cannot be foreseen, about one a match here, so what can be picked without
// a branch is; and four positions share one.
namespace {

// Matches at the two last distances may be this short; others must have kHashedBytes, because a new
// distance costs two bytes itself.
constexpr size_t kRepeatMin = SequenceEncoder::kMatchMin;
static_assert(kRepeatMin == 4);
constexpr unsigned kHashedBytes = 6;
// Positions that are looked at together.
constexpr size_t kBatch = 4;
// The longer nothing repeats, the more is passed over: a byte for each 1 << kPatienceLog of them.
// But no more than this, or the gaps between noise would not be found.
constexpr unsigned kPatienceLog = 4;
constexpr size_t kStrideMax = 60;
// What may be read beyond a position that is looked at.
constexpr ptrdiff_t kLookahead = 64;
// Nothing before this is looked at: there is nothing it could be compared with.
constexpr size_t kStart = 8;

constexpr unsigned kHashShift = 64 - 8 * kHashedBytes;

// Bit i: whether the four bytes from a[i] on are those from b[i] on, for a batch of positions.
uint32_t RepeatsOfFour(const uint8_t* a, const uint8_t* b) {
  uint32_t equal = EqualBytes16(a, b);
  equal &= equal >> 1;
  equal &= equal >> 2;
  return equal & ((1u << kBatch) - 1);
}

// How many bytes before `a`, at most `length_max`, are those before `b`, from where `readable` can
// be read. 8 are read of each at a time.
size_t CountEqualBefore(const uint8_t* a, const uint8_t* b, size_t length_max, size_t readable) {
  size_t length = 0;
  size_t step = 0;
  do {
    if (length + 8 > readable) break;
    const uint64_t differing = LoadLe<uint64_t>(a - length - 8) ^ LoadLe<uint64_t>(b - length - 8);
    step = static_cast<size_t>(std::countl_zero(differing)) / 8;
    length += step;
  } while (step == 8 && length < length_max);
  return std::min(length, length_max);
}

// The next four positions: their bytes, and where the table saw the same last.
struct Batch {
  // Whether the same kHashedBytes stand at position i and at its candidate.
  [[gnu::always_inline]] bool Matches(size_t i) const {
    return (LoadLe<uint64_t>(candidates[i]) ^ words[i]) << kHashShift == 0;
  }
  // The first of the first three positions where it is so, or 3; without a branch, which would be
  // taken at random.
  [[gnu::always_inline]] size_t FirstMatchOfThree() const {
    const unsigned matches =
        (Matches(0) ? 1u : 0u) | (Matches(1) ? 2u : 0u) | (Matches(2) ? 4u : 0u) | 8u;
    return static_cast<size_t>(std::countr_zero(matches));
  }

  std::array<uint64_t, kBatch> words;
  std::array<const uint8_t*, kBatch> candidates;
};

// One pass over a chunk. Its members live in registers: everything is inlined into Run.
class Pass {
 public:
  Pass(ByteSpan raw, uint16_t* table, ParsedChunk* parsed)
      : begin_(raw.data()),
        end_(begin_ + raw.size()),
        table_(table),
        parsed_(parsed),
        next_(begin_ + kStart),
        anchor_(begin_),
        sequences_(parsed->all_sequences.data()),
        literals_(parsed->all_literals.data()) {}

  void Run() {
    while (end_ - next_ > kLookahead) {
      const uint32_t at_last = RepeatsOfFour(next_, next_ - last_);
      const uint32_t at_second = RepeatsOfFour(next_, next_ - second_);
      const Batch batch = Look();
      if ((at_last | at_second) != 0) {
        TakeRepeat(at_last, at_second, batch);
      } else if (batch.Matches(0)) {
        TakeMatch(batch.candidates[0], 0);
      } else if (batch.Matches(1)) {
        TakeMatch(batch.candidates[1], 1);
      } else if (batch.Matches(2)) {
        TakeMatch(batch.candidates[2], 2);
      } else if (batch.Matches(3)) {
        TakeMatch(batch.candidates[3], 3);
      } else {
        next_ +=
            kBatch + std::min(static_cast<size_t>(next_ - anchor_) >> kPatienceLog, kStrideMax);
      }
    }
  }

  void Finish() {
    const auto rest = static_cast<size_t>(end_ - anchor_);
    if (rest != 0) std::memcpy(literals_, anchor_, rest);
    parsed_->literal_count = static_cast<size_t>(literals_ - parsed_->all_literals.data()) + rest;
    parsed_->sequence_count = static_cast<size_t>(sequences_ - parsed_->all_sequences.data());
  }

 private:
  [[gnu::always_inline]] uint16_t& Entry(uint64_t word) const {
    constexpr uint64_t kPrime = 0x9e3779b185ebca87;
    return table_[(word << kHashShift) * kPrime >> (64 - MatchFinder::kTableLog)];
  }

  [[gnu::always_inline]] Batch Look() {
    Batch batch;
    const auto position = static_cast<size_t>(next_ - begin_);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBatch; ++i) {
      batch.words[i] = LoadLe<uint64_t>(next_ + i);
      uint16_t& entry = Entry(batch.words[i]);
      batch.candidates[i] = begin_ + entry;
      entry = static_cast<uint16_t>(position + i);
    }
    return batch;
  }

  // The first position that repeats what was at one of the two last distances, unless one before it
  // has another match. Distances are picked without a branch, too.
  [[gnu::always_inline]] void TakeRepeat(uint32_t at_last, uint32_t at_second, const Batch& batch) {
    const auto first = static_cast<size_t>(std::countr_zero(at_last | at_second));
    const size_t earlier = batch.FirstMatchOfThree();
    if (earlier < first) {
      // By value: otherwise every batch would be kept in memory.
      const uint8_t* const candidates[] = {batch.candidates[0], batch.candidates[1],
                                           batch.candidates[2]};
      return TakeMatch(candidates[earlier], earlier);
    }
    next_ += first;
    const size_t is_second = (at_last >> first & 1) ^ 1;
    const size_t mask = 0 - is_second;
    const size_t distance = last_ ^ ((last_ ^ second_) & mask);
    const size_t length = CountEqual(next_, next_ - distance, end_);
    // A distance has no name of its own where no literal follows its last use.
    const size_t name = is_second + (next_ != anchor_ ? 1 : 0);
    if (name == 0) return Append(length, distance);
    second_ ^= (last_ ^ second_) & mask;
    last_ = distance;
    AppendNamed(length, static_cast<uint32_t>(name));
  }

  [[gnu::always_inline]] void TakeMatch(const uint8_t* candidate, size_t i) {
    next_ += i;
    const auto distance = static_cast<size_t>(next_ - candidate);
    size_t length = CountEqual(next_, candidate, end_);
    const size_t before = CountEqualBefore(next_, candidate, static_cast<size_t>(next_ - anchor_),
                                           static_cast<size_t>(candidate - begin_));
    next_ -= before;
    length += before;
    Append(length, distance);
  }

  [[gnu::always_inline]] void Append(size_t length, size_t distance) {
    second_ = last_;
    last_ = distance;
    AppendNamed(length, static_cast<uint32_t>(distance) + kRepeatedOffsets);
  }

  // Appends the literals since the anchor and a match of what is next.
  [[gnu::always_inline]] void AppendNamed(size_t length, uint32_t offset_value) {
    const auto literal_length = static_cast<size_t>(next_ - anchor_);
    CopyRoundedUp(anchor_, literal_length, literals_);
    literals_ += literal_length;
    *sequences_++ = {offset_value, static_cast<uint16_t>(literal_length),
                     static_cast<uint16_t>(length)};
    next_ += length;
    anchor_ = next_;
    // The end of the match is most likely to be met again.
    if (end_ - next_ > kLookahead) {
      Entry(LoadLe<uint64_t>(next_ - 2)) = static_cast<uint16_t>(next_ - 2 - begin_);
    }
  }

  const uint8_t* const begin_;
  const uint8_t* const end_;
  uint16_t* const table_;
  ParsedChunk* const parsed_;
  const uint8_t* next_;
  const uint8_t* anchor_;  // everything before it is in sequences
  Sequence* sequences_;
  uint8_t* literals_;
  size_t last_ = 1;  // distances, as every frame begins with them
  size_t second_ = 4;
};

}  // namespace

void MatchFinder::Parse(ByteSpan raw, ParsedChunk* parsed) {
  VARVE_CHECK(raw.size() <= kRawMax);
  table_.fill(0);
  Pass pass(raw, table_.data(), parsed);
  if (raw.size() > kStart) pass.Run();
  pass.Finish();
}

}  // namespace varve
