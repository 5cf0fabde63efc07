// Damage as `verify` and `check` show it.
#pragma once

#include <string>
#include <vector>

#include "json_value.h"
#include "restore/verifier.h"

namespace varve::cli {

JsonValue::Array HurtRangesJson(const std::vector<HurtRange>& ranges);
// One line per range, indented.
std::string HurtRangeLines(const std::vector<HurtRange>& ranges);

}  // namespace varve::cli
