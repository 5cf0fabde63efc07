// A set of numbers (byte offsets, chunk indexes) as disjoint ranges in ascending order; neighbours
// that touch are one range. Thread-compatible value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve {

class ExtentSet {
 public:
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;  // exclusive
    friend bool operator==(const Range&, const Range&) = default;
  };

  // Adds [begin, end); an empty range adds nothing. O(1) when ranges come in ascending order.
  void Add(uint64_t begin, uint64_t end);

  // The first range that ends after `from`; null if there is none. Valid until the next Add.
  const Range* FindFrom(uint64_t from) const;
  bool Contains(uint64_t number) const;
  // How many numbers are in it.
  uint64_t Count() const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

  // The set with every range rounded out to multiples of `unit`, in units: the chunks that hold
  // these bytes.
  ExtentSet RoundedOut(uint64_t unit) const;

 private:
  std::vector<Range> ranges_;
};

}  // namespace varve
