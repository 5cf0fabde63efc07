// Where good bytes may come from when the repository's own are damaged: a twin repository, or the
// live volume. Nothing that a source says is believed: whoever asks checks every byte by its id.
// One thread.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "repo/repository.h"
#include "restore/snapshot_reader.h"
#include "store/frame_reader.h"
#include "volume/volume.h"

namespace varve {

class HealSource {
 public:
  virtual ~HealSource() = default;
  // "twin /backup/second", "volume /dev/vg/db".
  virtual std::string Name() const = 0;
  // What has this id, if the source knows content by the same ids. Any failure: not from here.
  virtual Status ReadById(ContentKind kind, const ContentId& id, Bytes* raw) = 0;
  // The bytes that the volume of `record` has, or had then, at `offset`.
  virtual Status ReadRange(const SnapshotRecord& record, uint64_t offset, MutableByteSpan into) = 0;
  // The source's own record of the snapshot.
  virtual Result<SnapshotRecord> FindRecord(const SnapshotId& id) = 0;
  // Do its ids mean here what they mean there?
  virtual bool SharesIds() const = 0;
  // Which repository the record is from; zero for a volume.
  virtual RepositoryId Repository() const = 0;
};

// A second repository (`varve copy` makes one), open for reading; borrowed. By ids where it shares
// the keys of the one to heal, by snapshot and offset otherwise.
Result<std::unique_ptr<HealSource>> NewTwinSource(Repository& twin,
                                                  const RepositoryConfig& damaged);

// The repository's own frames, by the index as it was before it was told of damage: a frame whose
// header is gone may still decode by what the pack's footer says of it. Borrowed.
Result<std::unique_ptr<HealSource>> NewOwnFramesSource(Repository& repository);

// A volume, for the snapshots that were taken of the volume of this name. Borrowed.
Result<std::unique_ptr<HealSource>> NewVolumeSource(const Volume& volume,
                                                    const std::string& volume_name);

}  // namespace varve
