// A snapshot as a volume, so that the write path can take a snapshot of it under other keys.
// Thread-safe as Volume asks for.
#pragma once

#include <memory>
#include <string>

#include "restore/snapshot_reader.h"
#include "volume/volume.h"

namespace varve {

class SnapshotVolume : public Volume {
 public:
  // The reader is borrowed.
  SnapshotVolume(SnapshotReader& reader, std::string identity)
      : reader_(reader), identity_(std::move(identity)) {}

  uint64_t size_bytes() const override { return reader_.size_bytes(); }
  const std::string& identity() const override { return identity_; }
  Result<std::optional<DataExtent>> NextData(uint64_t offset) const override;
  Result<ContentStamp> Stamp() const override { return ContentStamp{reader_.size_bytes(), 0}; }
  Result<std::unique_ptr<BlockReader>> NewReader(const BlockReaderOptions& options) const override;
  std::optional<std::string> MountedForWriting() const override { return std::nullopt; }

 private:
  SnapshotReader& reader_;
  const std::string identity_;
};

}  // namespace varve
