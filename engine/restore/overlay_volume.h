// An overlay directory as a volume to take a snapshot of, and what it knows of its changes.
// Nobody writes it meanwhile: the directory is locked. Thread-safe as Volume asks for.
#pragma once

#include <string>

#include "format/snapshot_record.h"
#include "restore/overlay_directory.h"
#include "volume/change_claim.h"
#include "volume/volume.h"

namespace varve {

class OverlayVolume : public Volume {
 public:
  // `directory` is borrowed; `record` is the snapshot below it.
  OverlayVolume(OverlayDirectory& directory, const SnapshotRecord& record);

  uint64_t size_bytes() const override { return directory_.view().size_bytes(); }
  const std::string& identity() const override { return identity_; }
  Result<std::optional<DataExtent>> NextData(uint64_t offset) const override;
  Result<ContentStamp> Stamp() const override { return ContentStamp{size_bytes(), 0}; }
  Result<std::unique_ptr<BlockReader>> NewReader(const BlockReaderOptions& options) const override;
  std::optional<std::string> MountedForWriting() const override { return std::nullopt; }

  // What was written since the snapshot: exactly the overlay's blocks.
  ChangeClaim Changes() const;

 private:
  OverlayDirectory& directory_;
  const SnapshotRecord record_;
  const std::string identity_;
};

}  // namespace varve
