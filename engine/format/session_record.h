// The record of a writer at work (FORMAT.md §5): who, since when, and what it pins (G1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

struct SessionRecord {
  SessionId id;
  uint64_t fencing_token = 0;
  uint32_t process_id = 0;
  std::string host;
  int64_t start_unix_ns = 0;
  std::string purpose;
  std::optional<SnapshotId> parent;
};

Bytes EncodeSessionRecord(const SessionRecord& record, const RepositoryId& repository);
Result<SessionRecord> DecodeSessionRecord(const std::string& name, ByteSpan object,
                                          const RepositoryId& repository, const SessionId& id);

}  // namespace varve
