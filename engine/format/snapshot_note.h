// Notes that stand beside a snapshot's record (FORMAT.md §5): a tombstone says that it is deleted,
// a hold that it must not be. Small objects of their own, because a record is never changed.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "format/small_object.h"

namespace varve {

struct SnapshotNote {
  SnapshotId snapshot;
  int64_t time_unix_ns = 0;  // for people; nothing is decided by it (G6)
  std::string reason;
};

// `kind` is kTombstone or kHold.
Bytes EncodeSnapshotNote(ObjectKind kind, const SnapshotNote& note, const RepositoryId& repository);
Result<SnapshotNote> DecodeSnapshotNote(ObjectKind kind, const std::string& name, ByteSpan object,
                                        const RepositoryId& repository, const SnapshotId& id);

}  // namespace varve
