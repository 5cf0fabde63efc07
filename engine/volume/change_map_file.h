// A map file: the extents that another tracker of changes hands in (`--changed-extents FILE`).
// Text, line by line (FORMAT.md, "Map file"):
//
//   varve-changed-extents 1
//   parent 0123456789abcdef0123456789abcdef
//   volume orders.img
//   size 10737418240
//   extent 1048576 65536
//   end 1
//
// A map that was cut off would name too little, so its last line counts its extents.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "volume/change_claim.h"

namespace varve {

// Corruption or Unsupported, naming the line, unless the text is a whole and sensible map.
Result<ChangeClaim> ParseChangeMap(const std::string& name, std::string_view text);

// Reads and parses a file. NotFound, Denied, Io as the kernel says.
Result<ChangeClaim> ReadChangeMap(const std::string& path);

}  // namespace varve
