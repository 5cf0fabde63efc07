// How a backup of an addon is named on the command line: its id, a unique beginning of one, its
// name, or `latest` (the newest completed one).
#pragma once

#include <map>
#include <string>

#include "verb.h"

namespace varve::cli {

inline constexpr const char* kBackupDetails =
    "BACKUP is an id, a unique beginning of one, a name, or latest.\n";

// The id of the backup that the arguments ADDON and BACKUP name. NotFound if there is none;
// InvalidArgument if there are several.
Result<std::string> SelectedBackup(Invocation& invocation);
Result<std::string> SelectBackup(AgentClient& agent, const std::string& addon,
                                 const std::string& selector);
// "hourly" by a schedule's id.
Result<std::map<std::string, std::string>> ScheduleNamesOf(AgentClient& agent,
                                                           const std::string& addon);

}  // namespace varve::cli
