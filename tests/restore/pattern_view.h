// A volume to write over in tests: bytes that follow from their offset, with zeros in between.
#pragma once

#include <algorithm>

#include "base/limits.h"
#include "restore/volume_view.h"

namespace varve {

class PatternView : public VolumeView {
 public:
  explicit PatternView(uint64_t size_bytes) : size_bytes_(size_bytes) {}

  uint64_t size_bytes() const override { return size_bytes_; }

  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    VARVE_RETURN_IF_ERROR(CheckRange(offset, into.size()));
    for (size_t i = 0; i < into.size(); ++i)
      into[i] = At(offset + i);
    return {};
  }

  Result<ViewExtent> NextExtent(uint64_t offset) override {
    VARVE_RETURN_IF_ERROR(CheckRange(offset, 1));
    const uint64_t end = std::min(RoundDown(offset, kExtent) + kExtent, size_bytes_);
    return ViewExtent{offset, end, IsData(offset)};
  }

  static bool IsData(uint64_t offset) { return offset / kExtent % 3 != 1; }
  static uint8_t At(uint64_t offset) {
    return IsData(offset) ? static_cast<uint8_t>(offset * 131 + offset / 4096 + 1) | 1 : 0;
  }

 private:
  static constexpr uint64_t kExtent = 16 * kKiB;
  const uint64_t size_bytes_;
};

}  // namespace varve
