#include "repo/snapshot_selector.h"

#include <algorithm>

namespace varve {
namespace {

constexpr std::string_view kLatest = "latest";
constexpr size_t kCandidatesShown = 5;

Result<SnapshotRecord> Latest(const std::vector<SnapshotRecord>& records,
                              const std::string& volume) {
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    if (volume.empty() || record->volume_name == volume) return *record;
  }
  return NotFound(volume.empty() ? "the repository has no snapshots"
                                 : "volume " + volume + " has no snapshots");
}

}  // namespace

Result<SnapshotRecord> SelectSnapshot(const std::vector<SnapshotRecord>& records,
                                      const std::string& selector) {
  if (selector == kLatest) return Latest(records, "");
  if (selector.ends_with("@latest") && selector.size() > 7) {
    return Latest(records, selector.substr(0, selector.size() - 7));
  }
  const bool is_hex = !selector.empty() && selector.size() <= 2 * SnapshotId::kSize &&
                      selector.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hex) {
    return InvalidArgument("'" + selector +
                           "' is no snapshot: give an id, a prefix of one, latest or "
                           "VOLUME@latest");
  }
  std::vector<const SnapshotRecord*> matches;
  for (const SnapshotRecord& record : records) {
    if (record.id.Hex().starts_with(selector)) matches.push_back(&record);
  }
  if (matches.empty()) return NotFound("no snapshot begins with " + selector);
  if (matches.size() == 1) return *matches[0];
  std::string message =
      selector + " is ambiguous: " + std::to_string(matches.size()) + " snapshots begin with it:";
  for (size_t i = 0; i < std::min(matches.size(), kCandidatesShown); ++i) {
    message += " " + matches[i]->id.Hex();
  }
  return InvalidArgument(message + (matches.size() > kCandidatesShown ? " ..." : ""));
}

}  // namespace varve
