// Brings a damaged snapshot record, hold, tombstone or table of quotas back: from itself when a
// single byte of it changed, or from a twin's record of the same snapshot.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/snapshot_record.h"
#include "heal/heal_source.h"
#include "heal/tree_healer.h"
#include "repo/repository.h"

namespace varve {

struct HealedRecord {
  std::string path;
  Bytes object;                          // what is to be stored
  std::string source;                    // for people
  std::optional<SnapshotRecord> record;  // none for anything else
};

// Nothing if no source can tell. `good` are the repository's whole records: the damaged one's place
// in their sequence is found by them where the source does not know it.
Result<std::optional<HealedRecord>> HealRecord(Repository& repository, const std::string& path,
                                               const std::vector<SnapshotRecord>& good,
                                               const std::vector<HealSource*>& sources,
                                               TreeHealer& healer, Progress& progress);

}  // namespace varve
