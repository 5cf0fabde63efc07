// Finding one's way over a tree's leaves without visiting what is zero.
#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "tree/tree_reader.h"

namespace varve {

// The first leaf at or after `from` that is not zero; nothing if there is none. O(depth) per call.
Result<std::optional<uint64_t>> NextNonZeroLeaf(TreeReader& tree, uint64_t from);

}  // namespace varve
