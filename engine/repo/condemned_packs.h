// The groups of condemned packs as they lie in a repository (G4).
#pragma once

#include <set>
#include <vector>

#include "base/status.h"
#include "format/condemned_record.h"
#include "io/storage.h"

namespace varve {

std::string CondemnedPath(const CondemnedId& id);

// All groups. One that is damaged is as good as none: what it named is judged anew, and nobody
// unlinks what no group names.
Result<std::vector<CondemnedRecord>> ReadCondemned(Storage& storage,
                                                   const RepositoryId& repository);
std::set<PackId> PacksOf(const std::vector<CondemnedRecord>& groups);

}  // namespace varve
