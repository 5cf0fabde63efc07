// Which frames are alive: references from trees on one side, frames of packs on the other, joined
// by the first 64 bits of their ids. Both are dealt out to buckets by the highest bits, so that
// memory stays bounded however many there are (what does not fit is spilled), and each bucket is
// sorted and merged for itself.
//
// 64 bits may make two ids one: then a dead frame counts as alive, or one of two living frames as
// a copy of the other. The first costs space; the second is why nobody unlinks a pack without
// looking up the whole ids of what is alive in it (Collection). Thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "io/spill_file.h"

namespace varve {

// Records dealt out to buckets, in memory and beyond it. Loading does not consume.
template <typename Record>
class SpilledBuckets {
 public:
  static constexpr size_t kBuckets = 64;
  explicit SpilledBuckets(size_t memory_bytes) : records_max_(memory_bytes / sizeof(Record)) {}

  Status Add(size_t bucket, const Record& record) {
    buckets_[bucket].in_memory.push_back(record);
    return ++in_memory_ < records_max_ ? Status() : Spill();
  }
  void Clear() {
    for (Bucket& bucket : buckets_)
      bucket = {};
    in_memory_ = 0;
    spill_ = {};
  }
  Status Load(size_t index, std::vector<Record>* records) const {
    const Bucket& bucket = buckets_[index];
    records->clear();
    for (const Extent& extent : bucket.spilled) {
      const size_t at = records->size();
      records->resize(at + extent.count);
      VARVE_RETURN_IF_ERROR(spill_.Read(
          extent.offset,
          {reinterpret_cast<uint8_t*>(records->data() + at), extent.count * sizeof(Record)}));
    }
    records->insert(records->end(), bucket.in_memory.begin(), bucket.in_memory.end());
    return {};
  }

 private:
  struct Extent {
    uint64_t offset = 0;
    size_t count = 0;
  };
  struct Bucket {
    std::vector<Record> in_memory;
    std::vector<Extent> spilled;
  };

  Status Spill() {
    for (Bucket& bucket : buckets_) {
      if (bucket.in_memory.empty()) continue;
      const ByteSpan bytes(reinterpret_cast<const uint8_t*>(bucket.in_memory.data()),
                           bucket.in_memory.size() * sizeof(Record));
      VARVE_ASSIGN_OR_RETURN(const uint64_t offset, spill_.Append(bytes));
      bucket.spilled.push_back({offset, bucket.in_memory.size()});
      bucket.in_memory.clear();  // keeps its room
    }
    in_memory_ = 0;
    return {};
  }

  const size_t records_max_;
  std::array<Bucket, kBuckets> buckets_;
  size_t in_memory_ = 0;
  SpillFile spill_;
};

class LiveSet {
 public:
  // About how much it keeps in memory before it spills.
  explicit LiveSet(size_t memory_bytes = size_t{48} << 20)
      : references_(memory_bytes / 2), frames_(memory_bytes / 2) {}

  Status AddReference(const ContentId& id);
  // Frames get ordinals 0, 1, 2, … in the order in which they are added. Of several frames of one
  // id one is alive: rather one that stands alone (deltas may need it), then rather one that is not
  // condemned, then rather an earlier one.
  Status AddFrame(const ContentId& id, bool condemned, bool delta);
  void ForgetFrames();
  uint64_t references() const { return reference_count_; }
  uint64_t frames() const { return frame_count_; }

  // By ordinal.
  struct Judgement {
    std::vector<bool> alive;   // the living frame of an id that is referenced
    std::vector<bool> copies;  // another frame of such an id
  };
  Result<Judgement> Judge() const;

 private:
  struct Frame {
    uint64_t prefix = 0;
    uint64_t rank_and_ordinal = 0;  // lower ranks win
  };

  SpilledBuckets<uint64_t> references_;
  SpilledBuckets<Frame> frames_;
  uint64_t reference_count_ = 0;
  uint64_t frame_count_ = 0;
};

}  // namespace varve
