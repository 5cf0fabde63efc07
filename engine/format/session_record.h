// The record of a writer or reader at work (FORMAT.md §5): who, since when, what it pins (G1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

// A writer may come to rely on any pack it has seen, so packs condemned meanwhile outlive it (G4).
// A reader relies on its snapshots alone.
enum class SessionRole : uint8_t { kWriter = 1, kReader = 2 };

struct SessionRecord {
  SessionId id;
  uint64_t fencing_token = 0;
  uint32_t process_id = 0;
  std::string host;
  int64_t start_unix_ns = 0;
  std::string purpose;
  SessionRole role = SessionRole::kWriter;
  // Snapshots that stay readable as long as the session lasts: a writer's parent, what a reader
  // reads. At most kPinsMax.
  std::vector<SnapshotId> pins;
};

Bytes EncodeSessionRecord(const SessionRecord& record, const RepositoryId& repository);
Result<SessionRecord> DecodeSessionRecord(const std::string& name, ByteSpan object,
                                          const RepositoryId& repository, const SessionId& id);

}  // namespace varve
