// Sizes, durations and counts as people write and read them.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace varve::cli {

// "512 B", "64.0 KiB", "1.5 GiB".
std::string HumanSize(uint64_t bytes);
// "0.4 s", "12 s", "3 min 20 s", "2 h 05 min".
std::string HumanDuration(double seconds);
// "1 chunk", "3 chunks".
std::string Counted(uint64_t count, const std::string& noun);
// "2026-01-31 12:00:00" in UTC.
std::string HumanTime(int64_t unix_ns);

// "4096", "64K", "64KiB", "4M", "1G", "1T": powers of 1024. InvalidArgument, naming `what`, for
// anything else.
Result<uint64_t> ParseSize(const std::string& what, const std::string& text);
// A whole decimal number from `least` to `most`.
Result<int64_t> ParseNumber(const std::string& what, const std::string& text, int64_t least,
                            int64_t most);

}  // namespace varve::cli
