#include "agent/model/backup.h"

#include <array>

namespace varve::agent {
namespace {

constexpr std::array<std::string_view, 2> kTypes{"snapshot", "dump"};
constexpr std::array<std::string_view, 5> kSources{"sameAddon", "snapshot", "liveInstance",
                                                   "externalDump", "fileUpload"};

template <typename Value, size_t kCount>
std::optional<Value> ValueOf(const std::array<std::string_view, kCount>& names,
                             std::string_view name) {
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] == name) return static_cast<Value>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view BackupTypeName(BackupType type) {
  return kTypes[static_cast<size_t>(type)];
}

std::optional<BackupType> BackupTypeOf(std::string_view name) {
  return ValueOf<BackupType>(kTypes, name);
}

std::string_view SourceTypeName(SourceType type) {
  return kSources[static_cast<size_t>(type)];
}

std::optional<SourceType> SourceTypeOf(std::string_view name) {
  return ValueOf<SourceType>(kSources, name);
}

}  // namespace varve::agent
