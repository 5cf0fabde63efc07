#include "agent/model/addon.h"

#include <array>

namespace varve::agent {
namespace {

constexpr std::array<std::string_view, 6> kNames{"auto",   "reflink", "lvm-thin",
                                                 "frozen", "stopped", "plain"};

}  // namespace

std::string_view CaptureKindName(CaptureKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

std::optional<CaptureKind> CaptureKindOf(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<CaptureKind>(i);
  }
  return std::nullopt;
}

}  // namespace varve::agent
