// The Volume that is a raw image file or a block device, opened read-only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "volume/volume.h"

namespace varve {

class RawVolume : public Volume {
 public:
  // InvalidArgument for anything that is neither a regular file nor a block device.
  static Result<std::unique_ptr<RawVolume>> Open(const std::string& path);
  ~RawVolume() override;
  RawVolume(const RawVolume&) = delete;
  RawVolume& operator=(const RawVolume&) = delete;

  const std::string& path() const { return path_; }
  bool is_device() const { return is_device_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  // "file:<absolute path>:<device>:<inode>" or "device:<absolute path>:<major>:<minor>".
  const std::string& identity() const override { return identity_; }
  Result<std::optional<DataExtent>> NextData(uint64_t offset) const override;
  Result<ContentStamp> Stamp() const override;
  Result<std::unique_ptr<BlockReader>> NewReader(const BlockReaderOptions& options) const override;
  std::optional<std::string> MountedForWriting() const override;

 private:
  RawVolume() = default;

  std::string path_;
  std::string identity_;
  uint64_t size_bytes_ = 0;
  bool is_device_ = false;
  int buffered_fd_ = -1;
  int direct_fd_ = -1;
};

// Is the file or device at `path` in use as a block device somewhere: mounted, or behind a loop
// device? What by, in words, if so.
std::optional<std::string> FindDeviceUse(const std::string& path, bool for_writing_only);

}  // namespace varve
