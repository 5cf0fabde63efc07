#include "damage_text.h"

namespace varve::cli {

JsonValue::Array HurtRangesJson(const std::vector<HurtRange>& ranges) {
  JsonValue::Array list;
  for (const HurtRange& range : ranges) {
    list.emplace_back(JsonValue::Object{
        {"offset", range.begin}, {"length", range.end - range.begin}, {"why", range.why}});
  }
  return list;
}

std::string HurtRangeLines(const std::vector<HurtRange>& ranges) {
  std::string text;
  for (const HurtRange& range : ranges) {
    text += "  bytes " + std::to_string(range.begin) + " to " + std::to_string(range.end) + ": " +
            range.why + "\n";
  }
  return text;
}

}  // namespace varve::cli
