// The agent's records as tables and facts for people. Pure functions of what the API answered.
#pragma once

#include <map>
#include <string>

#include "json_value.h"

namespace varve::cli {

// "1.5 GiB" of the size found at `path`; empty if there is none.
std::string SizeAt(const JsonValue& record, const std::string& path);
// "2026-01-31 12:00:00" of the time found there; empty if there is none.
std::string TimeAt(const JsonValue& record, const std::string& path);

std::string AddonTable(const JsonValue::Array& addons);
std::string AddonFacts(const JsonValue& addon);
// `schedule_names`: "hourly" by a schedule's id.
std::string BackupTable(const JsonValue::Array& backups,
                        const std::map<std::string, std::string>& schedule_names);
std::string BackupFacts(const JsonValue& backup,
                        const std::map<std::string, std::string>& schedule_names);
std::string RestoreTable(const JsonValue::Array& restores);
std::string ScheduleTable(const JsonValue::Array& schedules);
std::string JobTable(const JsonValue::Array& jobs);
// "2026-01-31 12:00:00.000  info     read 12 MiB".
std::string LogText(const JsonValue& line);

}  // namespace varve::cli
