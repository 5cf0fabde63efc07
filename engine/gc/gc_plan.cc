#include "gc/gc_plan.h"

#include <algorithm>

namespace varve {
namespace {

template <typename Bytes>
uint64_t Sum(const std::vector<PackUsage>& packs, const Bytes& bytes) {
  uint64_t sum = 0;
  for (const PackUsage& pack : packs)
    sum += bytes(pack);
  return sum;
}

uint64_t Size(const PackUsage& pack) {
  return pack.size_bytes;
}

}  // namespace

uint64_t GcPlan::UnlinkBytes() const {
  return Sum(unlink, Size);
}
uint64_t GcPlan::CondemnBytes() const {
  return Sum(condemn, Size);
}
uint64_t GcPlan::RewriteBytes() const {
  return Sum(rewrite, [](const PackUsage& pack) { return pack.live_bytes; });
}
uint64_t GcPlan::RewriteFreesBytes() const {
  return Sum(rewrite, [](const PackUsage& pack) { return pack.dead_bytes(); });
}

std::vector<PackUsage> SelectRewrites(const std::vector<PackUsage>& packs,
                                      const GcOptions& options) {
  std::vector<PackUsage> candidates;
  uint64_t alive = 0;
  uint64_t garbage = 0;
  for (const PackUsage& pack : packs) {
    if (!pack.judged || pack.condemned || pack.live_frames == 0) continue;
    alive += pack.live_bytes;
    if (pack.live_frames == pack.frames) continue;
    garbage += pack.dead_bytes();
    candidates.push_back(pack);
  }
  // dead / alive descending, without dividing.
  std::sort(candidates.begin(), candidates.end(), [](const PackUsage& a, const PackUsage& b) {
    const auto left = static_cast<unsigned __int128>(a.dead_bytes()) * b.live_bytes;
    const auto right = static_cast<unsigned __int128>(b.dead_bytes()) * a.live_bytes;
    return left != right ? left > right : a.id < b.id;
  });
  const uint64_t tolerated = alive / 100 * options.tolerated_garbage_percent;
  std::vector<PackUsage> selected;
  uint64_t written = 0;
  for (const PackUsage& pack : candidates) {
    if (garbage <= tolerated) break;
    if (pack.live_bytes > options.rewrite_bytes_max - written) continue;
    written += pack.live_bytes;
    garbage -= pack.dead_bytes();
    selected.push_back(pack);
  }
  return selected;
}

}  // namespace varve
