// What the deletion of each snapshot alone would free: the frames that only it needs, and its
// record. Exact, as far as frames go; packs round it when they are collected.
//
// Memory grows with the chunks of all snapshots (about 100 bytes each): for people who ask, not
// for every run.
#pragma once

#include <cstdint>
#include <map>

#include "base/progress.h"
#include "base/status.h"
#include "repo/repository.h"

namespace varve {

Result<std::map<SnapshotId, uint64_t>> UniqueSizes(Repository& repository, Progress& progress);

}  // namespace varve
