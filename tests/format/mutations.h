// Every single-bit flip and every truncation of some bytes, for tests that demand that each is
// found. Pure functions.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace varve {

// Calls `read` with each mutation of `good`; answers what was not rejected as Corruption or
// Unsupported, empty if all were.
inline std::string FindAcceptedMutation(ByteSpan good,
                                        const std::function<Status(ByteSpan)>& read) {
  const auto accepted = [&](ByteSpan bytes, const std::string& what) {
    const Status status = read(bytes);
    if (status.code() == Code::kCorruption || status.code() == Code::kUnsupported) {
      return status.message().empty() ? what + ": refused without a word" : std::string();
    }
    return what + ": " + std::string(CodeName(status.code())) + " " + status.message();
  };
  Bytes bytes(good.begin(), good.end());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1 << bit % 8));
    const std::string found = accepted(bytes, "bit " + std::to_string(bit));
    if (!found.empty()) return found;
    bytes[bit / 8] = good[bit / 8];
  }
  for (size_t size = 0; size < good.size(); ++size) {
    // A copy of its own, so that a read past the end is seen by the address sanitizer.
    const Bytes shorter(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    const std::string found = accepted(shorter, "truncation to " + std::to_string(size));
    if (!found.empty()) return found;
  }
  bytes.push_back(0);
  return accepted(bytes, "one byte more");
}

}  // namespace varve
