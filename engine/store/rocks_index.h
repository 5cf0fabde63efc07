// The Index on disk, in RocksDB: one writing process, any number of reading ones. The only place
// that knows RocksDB. It has no write-ahead log: what a crash takes from it is added again from the
// packs that it does not list. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/ids.h"
#include "store/index.h"

namespace varve {

enum class IndexMode {
  kWriter,  // creates it if it is missing; one process only, which holds the writer's lock
  kReader,  // a fixed view as of now; NotFound if there is none
};

// Opens the index at `directory`. Corruption if it is damaged or belongs to another repository:
// the caller deletes it and rebuilds.
Result<std::unique_ptr<Index>> OpenRocksIndex(const std::string& directory,
                                              const RepositoryId& repository, IndexMode mode);

// Deletes whatever index is at `directory`. Only while holding the writer's lock.
Status DestroyRocksIndex(const std::string& directory);

// Reads every byte of the index at `directory` and compares with its checksums. Returns what is
// damaged, one line each; nothing means that all is well.
Result<std::vector<std::string>> VerifyRocksIndex(const std::string& directory);

}  // namespace varve
