#include "agent/model/job.h"

#include <array>

namespace varve::agent {
namespace {

constexpr std::array<std::string_view, 7> kNames{"backup", "restore", "fork", "verify",
                                                 "delete", "gc",      "scrub"};

}  // namespace

std::string_view JobKindName(JobKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

std::optional<JobKind> JobKindOf(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<JobKind>(i);
  }
  return std::nullopt;
}

}  // namespace varve::agent
