#include "repo/quarantine.h"

#include <algorithm>

#include "base/clock.h"

namespace varve {
namespace {

constexpr const char* kReasonSuffix = ".reason";
// The same object name may be quarantined again (a config); so often it will not be.
constexpr int kNamesMax = 10000;
constexpr const char* kWaitingSuffix = ".new";
// The objects that are ever replaced; packs get new names instead.
constexpr const char* kReplacedDirectories[] = {"snapshots", "holds", "tombstones", "quotas"};

std::string FlatName(const std::string& path) {
  std::string name = path;
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

std::string WaitingPath(const std::string& path) {
  return std::string(kQuarantineDirectory) + "/" + FlatName(path) + kWaitingSuffix;
}

// The path that a waiting object is for.
std::string PathOfWaiting(const std::string& file_name) {
  std::string path = file_name.substr(0, file_name.size() - std::string(kWaitingSuffix).size());
  for (const char* directory : kReplacedDirectories) {
    const std::string prefix = std::string(directory) + "-";
    if (path.starts_with(prefix)) path[prefix.size() - 1] = '/';
  }
  return path;
}

}  // namespace

Result<std::string> MoveToQuarantine(Storage& storage, const std::string& path,
                                     const std::string& why, int64_t now_unix_ns) {
  VARVE_RETURN_IF_ERROR(storage.CreateDirectory(kQuarantineDirectory));
  const std::string name = FlatName(path);
  const std::string reason =
      path + "\n" + FormatUtc(now_unix_ns) + "\n" + why + (why.ends_with('\n') ? "" : "\n");
  for (int count = 0; count < kNamesMax; ++count) {
    const std::string to = std::string(kQuarantineDirectory) + "/" + name +
                           (count == 0 ? "" : "." + std::to_string(count));
    const Status present = storage.Size(to).status();
    if (present.ok()) continue;
    if (present.code() != Code::kNotFound) return present;
    // A reason without its object is what a crash left: that name is passed over.
    // Text for people, and no secret: in the clear also where the repository's objects are not.
    const Status told = Storage(storage.disk()).Publish(to + kReasonSuffix, AsBytes(reason));
    if (told.code() == Code::kAlreadyExists) continue;
    VARVE_RETURN_IF_ERROR(told);
    VARVE_RETURN_IF_ERROR(storage.Move(path, to));
    return to;
  }
  return Busy("quarantine/" + name + ": " + std::to_string(kNamesMax) + " names are taken");
}

Status ReplaceObject(Storage& storage, const std::string& path, ByteSpan bytes,
                     const std::string& why, int64_t now_unix_ns) {
  VARVE_RETURN_IF_ERROR(storage.CreateDirectory(kQuarantineDirectory));
  const std::string waiting = WaitingPath(path);
  VARVE_CHECK(PathOfWaiting(FlatName(path) + kWaitingSuffix) == path);
  // One that waits already is our own, from a run that did not get further.
  const Status stale = storage.Remove(waiting);
  if (!stale.ok() && stale.code() != Code::kNotFound) return stale;
  VARVE_RETURN_IF_ERROR(storage.Publish(waiting, bytes));
  const Status present = storage.Size(path).status();
  if (present.ok()) {
    VARVE_RETURN_IF_ERROR(MoveToQuarantine(storage, path, why, now_unix_ns).status());
  } else if (present.code() != Code::kNotFound) {
    return present;
  }
  return storage.Move(waiting, path);
}

Result<std::vector<std::string>> WaitingReplacements(Storage& storage) {
  std::vector<std::string> paths;
  const Result<std::vector<DirectoryEntry>> files = storage.List(kQuarantineDirectory);
  if (files.status().code() == Code::kNotFound) return paths;
  VARVE_RETURN_IF_ERROR(files.status());
  for (const DirectoryEntry& file : *files) {
    if (!file.name.ends_with(kWaitingSuffix)) continue;
    const std::string path = PathOfWaiting(file.name);
    const Status present = storage.Size(path).status();
    if (present.code() == Code::kNotFound) {
      paths.push_back(path);
    } else if (!present.ok()) {
      return present;
    }
  }
  return paths;
}

Result<std::vector<std::string>> FinishReplacements(Storage& storage) {
  VARVE_ASSIGN_OR_RETURN(std::vector<std::string> paths, WaitingReplacements(storage));
  for (const std::string& path : paths) {
    VARVE_RETURN_IF_ERROR(storage.Move(WaitingPath(path), path));
  }
  return paths;
}

}  // namespace varve
