// A history of writes, punches and syncs on an overlay, and the model that says what may be read at
// any time: while it lives exactly one thing, after a crash one of several.
#pragma once

#include <gtest/gtest.h>

#include <bitset>
#include <random>
#include <utility>
#include <vector>

#include "restore/overlay.h"
#include "restore/overlay_view.h"
#include "restore/pattern_view.h"
#include "sim/expect_status.h"
#include "sim/power_loss.h"
#include "sim/random_bytes.h"
#include "sim/simulated_disk.h"

namespace varve {

inline OverlayBinding TestBinding(uint64_t size_bytes) {
  OverlayBinding binding;
  binding.repository.bytes.fill(7);
  binding.snapshot.bytes.fill(9);
  binding.size_bytes = size_bytes;
  return binding;
}

class OverlayModel {
 public:
  explicit OverlayModel(uint64_t size_bytes)
      : now_(size_bytes),
        versions_(size_bytes),
        touched_(size_bytes),
        mapped_(DivideUp(size_bytes, kOverlayBlock)) {
    for (size_t i = 0; i < now_.size(); ++i)
      now_[i] = PatternView::At(i);
    written_.push_back({0, now_.size()});
    Synced();
  }

  const Bytes& now() const { return now_; }
  uint64_t size_bytes() const { return now_.size(); }

  // Before the call; whether it fails or not, the bytes may be there after a crash.
  void Writing(uint64_t offset, ByteSpan bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      versions_[offset + i].set(bytes[i]);
      touched_[offset + i] = true;
    }
    written_.push_back({offset, offset + bytes.size()});
  }
  void Written(uint64_t offset, ByteSpan bytes) {
    std::copy(bytes.begin(), bytes.end(), now_.begin() + static_cast<ptrdiff_t>(offset));
    for (uint64_t b = offset / kOverlayBlock; b * kOverlayBlock < offset + bytes.size(); ++b) {
      mapped_[b] = true;
    }
  }
  // Everything up to here must survive.
  void Synced() {
    durable_ = now_;
    durably_mapped_ = mapped_;
    for (const auto& [begin, end] : written_) {
      for (uint64_t i = begin; i < end; ++i) {
        versions_[i].reset().set(now_[i]);
        touched_[i] = false;
      }
    }
    written_.clear();
  }

  // Is this what a crash may leave?
  testing::AssertionResult Allows(ByteSpan found, CrashMode mode) const {
    for (uint64_t begin = 0; begin < found.size(); begin += kOverlayBlock) {
      const uint64_t end = std::min<uint64_t>(begin + kOverlayBlock, found.size());
      const bool was_mapped = durably_mapped_[begin / kOverlayBlock];
      const auto same = [&](const Bytes& bytes) {
        return std::equal(found.begin() + static_cast<ptrdiff_t>(begin),
                          found.begin() + static_cast<ptrdiff_t>(end),
                          bytes.begin() + static_cast<ptrdiff_t>(begin));
      };
      // A block that no finished Sync covered is there whole or not at all.
      if (!was_mapped && !same(durable_) && !same(now_)) {
        return testing::AssertionFailure() << "block at " << begin << " is torn";
      }
      for (uint64_t i = begin; i < end; ++i) {
        const bool may_be_garbled = mode == CrashMode::kGarbled && touched_[i];
        if (versions_[i].test(found[i]) || may_be_garbled) continue;
        return testing::AssertionFailure()
               << "byte " << i << " is " << int{found[i]} << ", was synced as " << int{durable_[i]}
               << ", is " << int{now_[i]};
      }
    }
    return testing::AssertionSuccess();
  }

 private:
  Bytes now_;
  Bytes durable_;
  std::vector<std::bitset<256>> versions_;              // of each byte since the last sync
  std::vector<std::pair<uint64_t, uint64_t>> written_;  // ranges since then
  std::vector<bool> touched_;
  std::vector<bool> mapped_;
  std::vector<bool> durably_mapped_;
};

inline Bytes ReadAll(VolumeView& view) {
  Bytes bytes(view.size_bytes());
  EXPECT_TRUE(IsOk(view.ReadAt(0, bytes)));
  return bytes;
}

// One random step. What it returns is what the overlay answered; the model knows it either way.
inline Status Step(OverlayView& view, OverlayModel& model, std::mt19937_64& random) {
  const uint64_t size = model.size_bytes();
  const uint64_t kind = random() % 10;
  if (kind == 0) {
    const Status status = view.Sync();
    if (status.ok()) model.Synced();
    return status;
  }
  uint64_t offset = random() % size;
  uint64_t length = std::min(1 + random() % (random() % 4 == 0 ? 40'000 : 3000), size - offset);
  if (random() % 2 == 0) {
    offset = RoundDown(offset, kOverlayBlock);
    length = std::min(RoundUp(length, kOverlayBlock), size - offset);
  }
  if (kind == 1) {
    const Bytes zeros(length);
    model.Writing(offset, zeros);
    const Status status = view.Punch(offset, length);
    if (status.ok()) model.Written(offset, zeros);
    return status;
  }
  const Bytes bytes = RandomBytes(random(), length);
  model.Writing(offset, bytes);
  const Status status = view.WriteAt(offset, bytes);
  if (status.ok()) model.Written(offset, bytes);
  return status;
}

}  // namespace varve
