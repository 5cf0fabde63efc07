// What the kernel is told of files and failures, in its own terms. Functions without state.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuse/served_tree.h"

namespace varve {

// What a caller sees of a failure: EIO for everything that is not the caller's own doing.
int ErrnoOf(const Status& status);
// For what is looked up by name or number.
int ErrnoOfLookup(const Status& status);
// For bytes that should be there: always EIO.
int ErrnoOfRead(const Status& status);

// Owned by this process; `allow_other` lets everybody read.
struct stat AttributesOf(const ServedNode& node, bool allow_other);
// How long the kernel may believe them.
double KeepSecondsOf(const ServedNode& node);

using ExtendedAttributes = std::vector<std::pair<std::string, std::string>>;
// Those of the node; the root also tells who serves it.
Result<ExtendedAttributes> ExtendedAttributesOf(ServedTree& tree, InodeNumber inode);

// The next place at or after `offset` that is data, or is not; nothing if there is none.
Result<std::optional<uint64_t>> SeekIn(VolumeView& view, uint64_t offset, bool want_data);

}  // namespace varve
