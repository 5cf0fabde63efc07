#include "gc/live_set.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace varve {
namespace {

constexpr unsigned kBucketShift = 64 - 6;
static_assert(SpilledBuckets<uint64_t>::kBuckets == 1U << 6);
constexpr unsigned kRankShift = 48;
constexpr uint64_t kOrdinalMask = (uint64_t{1} << kRankShift) - 1;

uint64_t PrefixOf(const ContentId& id) {
  return LoadLe<uint64_t>(id.bytes.data());
}

// Ids are uniform: eight passes over the bytes are fewer steps than comparing.
void SortPrefixes(std::vector<uint64_t>* keys, std::vector<uint64_t>* scratch) {
  constexpr size_t kSmall = 4096;
  if (keys->size() < kSmall) return std::sort(keys->begin(), keys->end());
  constexpr unsigned kDigitBits = 11;
  scratch->resize(keys->size());
  for (unsigned shift = 0; shift < 64; shift += kDigitBits) {
    std::array<size_t, size_t{1} << kDigitBits> starts{};
    for (const uint64_t key : *keys)
      ++starts[key >> shift & (starts.size() - 1)];
    size_t sum = 0;
    for (size_t& start : starts)
      sum += std::exchange(start, sum);
    for (const uint64_t key : *keys)
      (*scratch)[starts[key >> shift & (starts.size() - 1)]++] = key;
    keys->swap(*scratch);
  }
}

}  // namespace

Status LiveSet::AddReference(const ContentId& id) {
  ++reference_count_;
  const uint64_t prefix = PrefixOf(id);
  return references_.Add(prefix >> kBucketShift, prefix);
}

Status LiveSet::AddFrame(const ContentId& id, bool condemned, bool delta) {
  const uint64_t rank = (delta ? 2U : 0U) + (condemned ? 1U : 0U);
  const uint64_t prefix = PrefixOf(id);
  return frames_.Add(prefix >> kBucketShift, {prefix, rank << kRankShift | frame_count_++});
}

void LiveSet::ForgetFrames() {
  frames_.Clear();
  frame_count_ = 0;
}

Result<LiveSet::Judgement> LiveSet::Judge() const {
  Judgement judgement;
  judgement.alive.resize(frame_count_);
  judgement.copies.resize(frame_count_);
  std::vector<uint64_t> references;
  std::vector<uint64_t> scratch;
  std::vector<Frame> frames;
  for (size_t bucket = 0; bucket < SpilledBuckets<uint64_t>::kBuckets; ++bucket) {
    VARVE_RETURN_IF_ERROR(references_.Load(bucket, &references));
    VARVE_RETURN_IF_ERROR(frames_.Load(bucket, &frames));
    SortPrefixes(&references, &scratch);
    std::sort(frames.begin(), frames.end(), [](const Frame& a, const Frame& b) {
      return std::tie(a.prefix, a.rank_and_ordinal) < std::tie(b.prefix, b.rank_and_ordinal);
    });
    auto reference = references.begin();
    for (size_t i = 0; i < frames.size(); ++i) {
      while (reference != references.end() && *reference < frames[i].prefix)
        ++reference;
      if (reference == references.end()) break;
      if (*reference != frames[i].prefix) continue;
      const bool is_copy = i > 0 && frames[i].prefix == frames[i - 1].prefix;
      const uint64_t ordinal = frames[i].rank_and_ordinal & kOrdinalMask;
      (is_copy ? judgement.copies : judgement.alive)[ordinal] = true;
    }
  }
  return judgement;
}

}  // namespace varve
