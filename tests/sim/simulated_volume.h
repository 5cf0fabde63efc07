// The Volume in front of a SimulatedBlockDevice: to be snapshotted, or to be compared with in a
// restore in place. Borrows the device.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/simulated_block_device.h"
#include "volume/volume.h"

namespace varve {

class SimulatedVolume : public Volume {
 public:
  // Without holes every byte is data, as on a device.
  enum class Holes { kNone, kZeroBlocks };

  explicit SimulatedVolume(const SimulatedBlockDevice& device, Holes holes = Holes::kZeroBlocks)
      : device_(device), holes_(holes), size_bytes_(device.size_bytes()) {}

  uint64_t size_bytes() const override { return size_bytes_; }
  const std::string& identity() const override { return identity_; }
  Result<std::optional<DataExtent>> NextData(uint64_t offset) const override {
    if (offset >= size_bytes_) return std::optional<DataExtent>();
    if (holes_ == Holes::kNone) return std::optional<DataExtent>({offset, size_bytes_});
    return device_.NextData(offset);
  }
  Result<ContentStamp> Stamp() const override { return ContentStamp{size_bytes_, stamp_ns_}; }
  Result<std::unique_ptr<BlockReader>> NewReader(const BlockReaderOptions& options) const override {
    return device_.NewReader(options);
  }
  std::optional<std::string> MountedForWriting() const override { return std::nullopt; }

 private:
  const SimulatedBlockDevice& device_;
  const Holes holes_;
  const uint64_t size_bytes_;
  const int64_t stamp_ns_ = 1;
  const std::string identity_ = "simulated:volume";
};

}  // namespace varve
