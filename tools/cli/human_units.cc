#include "human_units.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/clock.h"

namespace varve::cli {
namespace {

constexpr const char* kUnits = "KMGTPE";

std::string Formatted(const char* format, auto... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

std::string HumanSize(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be shown as 1024.0.
  while (value >= 1023.95 && unit < 5) {
    value /= 1024;
    ++unit;
  }
  return Formatted("%.1f %ciB", value, kUnits[unit]);
}

std::string HumanDuration(double seconds) {
  if (seconds < 10) return Formatted("%.1f s", seconds);
  const auto whole = static_cast<unsigned long long>(seconds + 0.5);
  if (whole < 60) return Formatted("%llu s", whole);
  if (whole < 3600) return Formatted("%llu min %02llu s", whole / 60, whole % 60);
  return Formatted("%llu h %02llu min", whole / 3600, whole / 60 % 60);
}

std::string Counted(uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string HumanTime(int64_t unix_ns) {
  std::string text = FormatUtc(unix_ns).substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text;
}

Result<uint64_t> ParseSize(const std::string& what, const std::string& text) {
  const Status bad = InvalidArgument(what + " '" + text +
                                     "' is no size: give bytes, or a number with K, M, G or T");
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest == text.data()) return bad;
  std::string unit(rest, end);
  if (unit.empty() || unit == "B") return value;
  if (unit.size() == 3 && unit.ends_with("iB")) unit.resize(1);
  if (unit.size() != 1) return bad;
  const size_t power = std::string(kUnits).find(static_cast<char>(std::toupper(unit[0])));
  if (power == std::string::npos) return bad;
  const uint64_t factor = uint64_t{1} << (10 * (power + 1));
  if (value > UINT64_MAX / factor) return bad;
  return value * factor;
}

Result<int64_t> ParseNumber(const std::string& what, const std::string& text, int64_t least,
                            int64_t most) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || rest != end || value < least || value > most) {
    return InvalidArgument(what + " '" + text + "' is no whole number from " +
                           std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

}  // namespace varve::cli
