// What differs between two trees, in O(difference): equal subtrees are recognised by their ids.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "tree/tree_reader.h"

namespace varve {

// Calls `on_chunk(index)` in ascending order for each chunk position whose content differs; a
// position that only one of the volumes has differs unless it is zero there. The chunk sizes must
// be equal (InvalidArgument otherwise). A last chunk of another length differs.
Status DiffTrees(TreeReader& a, TreeReader& b, const std::function<Status(uint64_t)>& on_chunk);

}  // namespace varve
