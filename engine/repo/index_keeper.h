// Keeps the index what R3 says it is: the pack footers' cache. Opens it, compares its packs with
// the packs that exist, adds what it lacks, and makes it anew when it is missing, damaged, foreign
// or knows packs that are gone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "io/storage.h"
#include "repo/local_state.h"
#include "store/index.h"

namespace varve {

// Told in plain words what happened to the index ("the index is rebuilt: …"), and how far a
// rebuild is.
using NoticeFunction = std::function<void(const std::string&)>;

// For the holder of the writer's lock: an index on disk that knows exactly the packs that exist.
Result<std::unique_ptr<Index>> OpenIndexForWriter(Storage& storage, LocalState& local,
                                                  const RepositoryId& repository,
                                                  const NoticeFunction& notice);

// The same for an index that is open since before: a new session looks things up in what there is
// now. `rebuild` is set instead if it knows packs that are gone.
Status UpdateIndexForWriter(Storage& storage, const RepositoryId& repository, Index& index,
                            const NoticeFunction& notice, bool* rebuild);

// For everybody else: the index as it is, completed in memory. Heals itself: when a lookup finds
// it damaged, it goes on with one rebuilt in memory.
Result<std::unique_ptr<Index>> OpenIndexForReader(Storage& storage, LocalState& local,
                                                  const RepositoryId& repository,
                                                  const NoticeFunction& notice);

// Deletes the index and makes it anew from the packs. Packs that cannot be read are passed over
// and named in `notice`: what they hold is lost to the index as it is to everybody.
Result<std::unique_ptr<Index>> RebuildIndex(Storage& storage, LocalState& local,
                                            const RepositoryId& repository,
                                            const NoticeFunction& notice);

}  // namespace varve
