// One group of condemned packs (FORMAT.md §5): what a GC found without use, and the sessions that
// were at work when it said so. No new snapshot relies on these packs (G4); they are unlinked once
// those sessions have ended and a later complete mark found no use for them either.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

struct CondemnedRecord {
  CondemnedId id;
  int64_t time_unix_ns = 0;         // for people
  std::vector<PackId> packs;        // sorted, 1 to kCondemnedPacksMax
  std::vector<SessionId> blockers;  // sorted, at most kSessionsMax
};

Bytes EncodeCondemnedRecord(const CondemnedRecord& record, const RepositoryId& repository);
Result<CondemnedRecord> DecodeCondemnedRecord(const std::string& name, ByteSpan object,
                                              const RepositoryId& repository,
                                              const CondemnedId& id);

}  // namespace varve
