// Frames that are known to be damaged: (pack, offset of the frame's header).
#pragma once

#include <cstdint>
#include <set>
#include <utility>

#include "base/ids.h"

namespace varve {

using DamagedFrames = std::set<std::pair<PackId, uint64_t>>;

}  // namespace varve
