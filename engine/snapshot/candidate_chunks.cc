#include "snapshot/candidate_chunks.h"

#include <algorithm>
#include <random>
#include <span>

#include "base/limits.h"

namespace varve {
namespace {

// The chunk that is number `rank` of those outside of `changed`; ranks ascend from call to call.
class UnchangedChunks {
 public:
  explicit UnchangedChunks(const ExtentSet& changed) : next_(changed.ranges()) {}

  uint64_t At(uint64_t rank) {
    while (!next_.empty() && rank + skipped_ >= next_.front().begin) {
      skipped_ += next_.front().end - next_.front().begin;
      next_ = next_.subspan(1);
    }
    return rank + skipped_;
  }

 private:
  std::span<const ExtentSet::Range> next_;
  uint64_t skipped_ = 0;  // chunks of the ranges before
};

std::vector<uint64_t> Sample(const ExtentSet& changed, uint64_t chunk_count, Random& random) {
  const uint64_t unchanged = chunk_count - changed.Count();
  const uint64_t wanted =
      std::clamp(unchanged / kUnchangedSampleOneIn, kUnchangedSampleMin, kUnchangedSampleMax);
  std::vector<uint64_t> ranks;
  if (wanted >= unchanged) {
    for (uint64_t rank = 0; rank < unchanged; ++rank)
      ranks.push_back(rank);
  } else {
    uint8_t seed[8];
    random.Fill(seed);
    std::mt19937_64 numbers(LoadLe<uint64_t>(seed));
    std::uniform_int_distribution<uint64_t> any(0, unchanged - 1);
    while (ranks.size() < wanted) {
      ranks.push_back(any(numbers));
      if (ranks.size() < wanted) continue;
      std::sort(ranks.begin(), ranks.end());
      ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    }
  }
  UnchangedChunks chunks(changed);
  for (uint64_t& rank : ranks)
    rank = chunks.At(rank);
  return ranks;
}

}  // namespace

std::optional<uint64_t> CandidateChunks::NextLeaf(uint64_t leaf) const {
  std::optional<uint64_t> next;
  const uint64_t first = leaf * kLeafChunks;
  if (const ExtentSet::Range* const range = changed.FindFrom(first)) {
    next = std::max(range->begin, first) / kLeafChunks;
  }
  const auto sample = std::lower_bound(sampled.begin(), sampled.end(), first);
  if (sample != sampled.end()) next = std::min(next.value_or(UINT64_MAX), *sample / kLeafChunks);
  return next;
}

uint64_t CandidateChunks::ChangedOf(uint64_t leaf) const {
  uint64_t bits = 0;
  const uint64_t first = leaf * kLeafChunks;
  for (uint64_t chunk = first; chunk < first + kLeafChunks;) {
    const ExtentSet::Range* const range = changed.FindFrom(chunk);
    if (range == nullptr) break;
    chunk = std::max(chunk, range->begin);
    for (; chunk < std::min(range->end, first + kLeafChunks); ++chunk) {
      bits |= uint64_t{1} << (chunk - first);
    }
  }
  return bits;
}

uint64_t CandidateChunks::SampledOf(uint64_t leaf) const {
  uint64_t bits = 0;
  const uint64_t first = leaf * kLeafChunks;
  for (auto at = std::lower_bound(sampled.begin(), sampled.end(), first);
       at != sampled.end() && *at < first + kLeafChunks; ++at) {
    bits |= uint64_t{1} << (*at - first);
  }
  return bits;
}

std::optional<std::string> RefuseClaim(const ChangeClaim& claim,
                                       const std::optional<SnapshotRecord>& parent,
                                       const std::string& volume_name,
                                       const TreeGeometry& geometry) {
  if (claim.volume_name != volume_name) {
    return "it is of volume '" + claim.volume_name + "', not of '" + volume_name + "'";
  }
  if (!parent) return "there is no snapshot that this one could be compared with";
  if (claim.parent != parent->id) {
    return "it is of changes since snapshot " + claim.parent.Hex() + ", the parent is " +
           parent->id.Hex();
  }
  if (claim.size_bytes != geometry.size_bytes()) {
    return "it is of a volume of " + std::to_string(claim.size_bytes) + " bytes, this one has " +
           std::to_string(geometry.size_bytes());
  }
  if (parent->size_bytes != geometry.size_bytes()) {
    return "the volume had " + std::to_string(parent->size_bytes) +
           " bytes in the parent and has " + std::to_string(geometry.size_bytes()) + " now";
  }
  return std::nullopt;
}

CandidateChunks PlanCandidates(const ChangeClaim& claim, const TreeGeometry& geometry,
                               Random& random) {
  CandidateChunks candidates;
  candidates.changed = claim.may_have_changed.RoundedOut(geometry.chunk_size());
  if (!claim.own) {
    candidates.sampled = Sample(candidates.changed, geometry.ChunkCount(), random);
  }
  return candidates;
}

}  // namespace varve
