#include "backup_selector.h"

#include <algorithm>

namespace varve::cli {
namespace {

constexpr size_t kRecordIdLength = 26;

bool IsRecordId(const std::string& word) {
  return word.size() == kRecordIdLength && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
         });
}

}  // namespace

Result<std::string> SelectedBackup(Invocation& invocation) {
  return SelectBackup(*invocation.agent, invocation.arguments.Get("ADDON"),
                      invocation.arguments.Get("BACKUP"));
}

Result<std::string> SelectBackup(AgentClient& agent, const std::string& addon,
                                 const std::string& selector) {
  if (IsRecordId(selector)) return selector;
  const std::string path = AgentPath({"addons", addon, "backups"});
  if (selector == "latest") {
    VARVE_ASSIGN_OR_RETURN(const JsonValue::Array newest,
                           agent.List(path, {{"status", "completed"}}, 1));
    if (newest.empty()) return NotFound("addon " + addon + " has no completed backup");
    return newest[0].TextAt("id");
  }
  VARVE_ASSIGN_OR_RETURN(const JsonValue::Array found, agent.List(path, {{"search", selector}}));
  std::vector<std::string> named, begun;
  for (const JsonValue& backup : found) {
    if (backup.TextAt("name") == selector) named.push_back(backup.TextAt("id"));
    if (backup.TextAt("id").starts_with(selector)) begun.push_back(backup.TextAt("id"));
  }
  const std::vector<std::string>& meant = named.empty() ? begun : named;
  if (meant.empty()) return NotFound("addon " + addon + " has no backup '" + selector + "'");
  if (meant.size() > 1) {
    return InvalidArgument("'" + selector + "' may be backup " + meant[0] + " or " + meant[1] +
                           " of addon " + addon);
  }
  return meant[0];
}

Result<std::map<std::string, std::string>> ScheduleNamesOf(AgentClient& agent,
                                                           const std::string& addon) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue::Array schedules,
                         agent.List(AgentPath({"addons", addon, "backup-schedules"})));
  std::map<std::string, std::string> names;
  for (const JsonValue& schedule : schedules)
    names[schedule.TextAt("id")] = schedule.TextAt("scheduling.interval");
  return names;
}

}  // namespace varve::cli
