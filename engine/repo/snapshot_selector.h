// How people name a snapshot: its id, a unique prefix of it, `latest`, or `VOLUME@latest`.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "format/snapshot_record.h"

namespace varve {

// `records` by ascending sequence. NotFound if nothing matches, InvalidArgument if a prefix is
// ambiguous (the message lists the candidates).
Result<SnapshotRecord> SelectSnapshot(const std::vector<SnapshotRecord>& records,
                                      const std::string& selector);

}  // namespace varve
