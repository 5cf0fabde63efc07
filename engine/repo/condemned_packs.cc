#include "repo/condemned_packs.h"

#include "base/limits.h"

namespace varve {
namespace {
constexpr const char* kDirectory = "gc";
}  // namespace

std::string CondemnedPath(const CondemnedId& id) {
  return std::string(kDirectory) + "/" + id.Hex();
}

Result<std::vector<CondemnedRecord>> ReadCondemned(Storage& storage,
                                                   const RepositoryId& repository) {
  std::vector<CondemnedRecord> groups;
  const Result<std::vector<DirectoryEntry>> files = storage.List(kDirectory);
  if (files.status().code() == Code::kNotFound) return groups;  // nothing was ever condemned
  VARVE_RETURN_IF_ERROR(files.status());
  for (const DirectoryEntry& file : *files) {
    CondemnedId id;
    if (!CondemnedId::Parse(file.name, &id)) continue;
    const std::string path = CondemnedPath(id);
    const Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
    if (object.status().code() == Code::kNotFound) continue;  // dissolved while we looked
    if (object.status().code() == Code::kCorruption) continue;
    VARVE_RETURN_IF_ERROR(object.status());
    Result<CondemnedRecord> group = DecodeCondemnedRecord(path, *object, repository, id);
    if (group.status().code() == Code::kCorruption) continue;
    VARVE_RETURN_IF_ERROR(group.status());
    groups.push_back(*std::move(group));
  }
  return groups;
}

std::set<PackId> PacksOf(const std::vector<CondemnedRecord>& groups) {
  std::set<PackId> packs;
  for (const CondemnedRecord& group : groups)
    packs.insert(group.packs.begin(), group.packs.end());
  return packs;
}

}  // namespace varve
