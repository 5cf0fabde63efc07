#include "volume/extent_set.h"

#include <algorithm>

#include "base/bytes.h"

namespace varve {

void ExtentSet::Add(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  // Everything from `first` to `last` touches the new range and becomes part of it.
  const auto first = ranges_.empty() || ranges_.back().end < begin
                         ? ranges_.end()
                         : std::lower_bound(ranges_.begin(), ranges_.end(), begin,
                                            [](const Range& r, uint64_t at) { return r.end < at; });
  if (first == ranges_.end()) {
    ranges_.push_back({begin, end});
    return;
  }
  if (first->begin > end) {
    ranges_.insert(first, {begin, end});
    return;
  }
  const auto last = std::upper_bound(
      first, ranges_.end(), end, [](uint64_t at, const Range& range) { return at < range.begin; });
  first->begin = std::min(first->begin, begin);
  first->end = std::max(end, std::prev(last)->end);
  ranges_.erase(std::next(first), last);
}

const ExtentSet::Range* ExtentSet::FindFrom(uint64_t from) const {
  const auto found = std::upper_bound(ranges_.begin(), ranges_.end(), from,
                                      [](uint64_t at, const Range& r) { return at < r.end; });
  return found == ranges_.end() ? nullptr : &*found;
}

bool ExtentSet::Contains(uint64_t number) const {
  const Range* const range = FindFrom(number);
  return range != nullptr && range->begin <= number;
}

uint64_t ExtentSet::Count() const {
  uint64_t count = 0;
  for (const Range& range : ranges_)
    count += range.end - range.begin;
  return count;
}

ExtentSet ExtentSet::RoundedOut(uint64_t unit) const {
  ExtentSet units;
  for (const Range& range : ranges_)
    units.Add(range.begin / unit, DivideUp(range.end, unit));
  return units;
}

}  // namespace varve
