// A map file: what is accepted lies within the volume and says so again when it is cut anywhere.
#include <cstdlib>

#include "volume/change_map_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto claim = varve::ParseChangeMap("map", text);
  if (!claim.ok()) return 0;
  for (const auto& range : claim->may_have_changed.ranges()) {
    if (range.begin >= range.end || range.end > claim->size_bytes) std::abort();
  }
  if (varve::ParseChangeMap("map", text.substr(0, size - 1)).ok()) std::abort();
  return 0;
}
