// How much the snapshots of each volume may store (FORMAT.md §5): one small object with the quotas
// of all volumes. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

struct VolumeQuota {
  std::string volume_name;  // 1 to kNameBytesMax bytes
  uint64_t bytes_max = 0;
  // What was measured last: the snapshots of the volume with a sequence up to this one need so many
  // bytes of packs.
  uint64_t measured_bytes = 0;
  uint64_t measured_sequence = 0;

  friend bool operator==(const VolumeQuota&, const VolumeQuota&) = default;
};

struct QuotaTable {
  QuotaTableId id;
  int64_t time_unix_ns = 0;          // for people
  uint64_t sequence = 0;             // of two tables the larger one counts; from 1
  std::vector<VolumeQuota> volumes;  // by ascending name, each once, at most kQuotasMax
};

Bytes EncodeQuotaTable(const QuotaTable& table, const RepositoryId& repository);
Result<QuotaTable> DecodeQuotaTable(const std::string& name, ByteSpan object,
                                    const RepositoryId& repository, const QuotaTableId& id);

}  // namespace varve
