// What a scrub or a repair found damaged in one pack (FORMAT.md, "Damage"): the frames that nothing
// new may rely on, remembered durably, whatever becomes of the index.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

// One record names at most so many frames; more damage takes more records.
inline constexpr size_t kDamagedFramesMax = 65536;

struct DamageRecord {
  DamageId id;
  int64_t found_unix_ns = 0;
  PackId pack;
  // Of the headers of the damaged frames, ascending. Empty: no frame, but header, footer or
  // trailer.
  std::vector<uint64_t> offsets;
  std::string what;  // for people
};

Bytes EncodeDamageRecord(const DamageRecord& record, const RepositoryId& repository);
Result<DamageRecord> DecodeDamageRecord(const std::string& name, ByteSpan object,
                                        const RepositoryId& repository, const DamageId& id);

}  // namespace varve
