#include "agent_records.h"

#include "human_units.h"
#include "text_table.h"

namespace varve::cli {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Without those that are empty.
std::string FactsThatAre(const Facts& facts) {
  Facts present;
  for (const auto& fact : facts) {
    if (!fact.second.empty()) present.push_back(fact);
  }
  return FactLines(present);
}

std::string ScheduleNames(const JsonValue& backup,
                          const std::map<std::string, std::string>& names) {
  const JsonValue* schedules = backup.Find("schedules");
  if (schedules == nullptr) return "";
  std::string text;
  for (const JsonValue& schedule : schedules->elements()) {
    const std::string id = schedule.TextAt("");
    const auto name = names.find(id);
    text += (text.empty() ? "" : ", ") + (name == names.end() ? id : name->second);
  }
  return text;
}

// How long it stays.
std::string KeptText(const JsonValue& backup) {
  const std::string hold = backup.TextAt("hold.name");
  if (!hold.empty()) return "held: " + hold;
  if (backup.TextAt("retained") == "true") return "forever";
  const std::string until = TimeAt(backup, "expiresAt");
  return until.empty() ? "until deleted" : "until " + until;
}

std::string SourceText(const JsonValue& backup) {
  return backup.TextAt("backupType") + ", " + backup.TextAt("purpose");
}

std::string StatusText(const JsonValue& record) {
  std::string text = record.TextAt("status");
  const auto percent = record.NumberAt("progress.percent");
  if (percent && text == "in-progress") {
    text += " " + std::to_string(static_cast<int>(*percent)) + " %";
  }
  return text;
}

std::string SecondsText(const JsonValue& record, const std::string& path) {
  const auto milliseconds = record.NumberAt(path);
  return milliseconds ? HumanDuration(*milliseconds / 1000) : "";
}

std::string VerificationText(const JsonValue& backup) {
  if (backup.TextAt("verification.level").empty()) return "never";
  const std::string detail = backup.TextAt("verification.detail");
  return backup.TextAt("verification.level") + " " + backup.TextAt("verification.result") + " at " +
         TimeAt(backup, "verification.at") + (detail.empty() ? "" : ": " + detail);
}

}  // namespace

std::string SizeAt(const JsonValue& record, const std::string& path) {
  const std::string text = record.TextAt(path);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return text;
  return HumanSize(std::strtoull(text.c_str(), nullptr, 10));
}

std::string TimeAt(const JsonValue& record, const std::string& path) {
  std::string text = record.TextAt(path);
  if (text.size() < 20 || text[10] != 'T') return text;
  text[10] = ' ';
  return text.substr(0, 19);
}

std::string AddonTable(const JsonValue::Array& addons) {
  TextTable table(
      {{"addon"}, {"engine"}, {"volume"}, {"repository"}, {"forked from"}, {"created"}});
  for (const JsonValue& addon : addons) {
    table.Add({addon.TextAt("id"), addon.TextAt("engine") + " " + addon.TextAt("version"),
               addon.TextAt("volume.path"), addon.TextAt("repository"),
               addon.TextAt("source.addonId"), TimeAt(addon, "createdAt")});
  }
  return table.Text();
}

std::string AddonFacts(const JsonValue& addon) {
  const std::string source = addon.TextAt("source.addonId");
  return FactsThatAre(
      {{"addon", addon.TextAt("id")},
       {"engine", addon.TextAt("engine") + " " + addon.TextAt("version")},
       {"volume", addon.TextAt("volume.path")},
       {"mountpoint", addon.TextAt("volume.mountpoint")},
       {"capture", addon.TextAt("volume.capture")},
       {"host", addon.TextAt("connection.host")},
       {"port", addon.TextAt("connection.port")},
       {"admin user", addon.TextAt("connection.adminUser")},
       {"access users", addon.TextAt("connection.accessUsers")},
       {"repository", addon.TextAt("repository")},
       {"forked from",
        source.empty() ? "" : source + ", backup " + addon.TextAt("source.backupId")},
       {"created", TimeAt(addon, "createdAt")}});
}

std::string BackupTable(const JsonValue::Array& backups,
                        const std::map<std::string, std::string>& schedule_names) {
  TextTable table({{"id"},
                   {"name"},
                   {"source"},
                   {"status"},
                   {"schedule"},
                   {"size", TextTable::Align::kRight},
                   {"kept"},
                   {"restore status"},
                   {"created"}});
  for (const JsonValue& backup : backups) {
    const bool has_size = backup.TextAt("status") == "completed";
    table.Add({backup.TextAt("id"), backup.TextAt("name"), SourceText(backup), StatusText(backup),
               ScheduleNames(backup, schedule_names), has_size ? SizeAt(backup, "bytesStored") : "",
               KeptText(backup), backup.TextAt("lastRestore.status"), TimeAt(backup, "createdAt")});
  }
  return table.Text();
}

std::string BackupFacts(const JsonValue& backup,
                        const std::map<std::string, std::string>& schedule_names) {
  const std::string hold = backup.TextAt("hold.reason");
  return FactsThatAre({{"backup", backup.TextAt("id")},
                       {"name", backup.TextAt("name")},
                       {"addon", backup.TextAt("addonId")},
                       {"source", SourceText(backup)},
                       {"status", StatusText(backup)},
                       {"phase", backup.TextAt("progress.phase")},
                       {"error", backup.TextAt("error")},
                       {"schedule", ScheduleNames(backup, schedule_names)},
                       {"kept", KeptText(backup) + (hold.empty() ? "" : " (" + hold + ")")},
                       {"volume's size", SizeAt(backup, "bytesLogical")},
                       {"read", SizeAt(backup, "bytesRead")},
                       {"changed", SizeAt(backup, "bytesChanged")},
                       {"stored", SizeAt(backup, "bytesStored")},
                       {"consistency", backup.TextAt("consistency")},
                       {"capture", backup.TextAt("capture")},
                       {"writes stood still", SecondsText(backup, "pauseMilliseconds")},
                       {"changes known by", backup.TextAt("changeSource")},
                       {"fell back since", backup.TextAt("fallbackReason")},
                       {"verified", VerificationText(backup)},
                       {"last restore", backup.TextAt("lastRestore.status")},
                       {"repository", backup.TextAt("repository")},
                       {"snapshot", backup.TextAt("snapshotId")},
                       {"parent", backup.TextAt("parent")},
                       {"created", TimeAt(backup, "createdAt")},
                       {"started", TimeAt(backup, "startedAt")},
                       {"finished", TimeAt(backup, "finishedAt")}});
}

std::string RestoreTable(const JsonValue::Array& restores) {
  TextTable table({{"restore"},
                   {"backup"},
                   {"into"},
                   {"for"},
                   {"status"},
                   {"written", TextTable::Align::kRight},
                   {"safety backup"},
                   {"created"},
                   {"error"}});
  for (const JsonValue& restore : restores) {
    table.Add({restore.TextAt("id"), restore.TextAt("backupId"), restore.TextAt("addonId"),
               restore.TextAt("purpose"), StatusText(restore), SizeAt(restore, "bytesWritten"),
               restore.TextAt("safetyBackupId"), TimeAt(restore, "createdAt"),
               restore.TextAt("error")});
  }
  return table.Text();
}

std::string ScheduleTable(const JsonValue::Array& schedules) {
  TextTable table({{"schedule"},
                   {"type"},
                   {"interval"},
                   {"minutes"},
                   {"hours"},
                   {"days"},
                   {"zone"},
                   {"retention"},
                   {"next run"},
                   {"missed", TextTable::Align::kRight},
                   {"skipped", TextTable::Align::kRight}});
  for (const JsonValue& schedule : schedules) {
    table.Add({schedule.TextAt("id"), schedule.TextAt("backupType"),
               schedule.TextAt("scheduling.interval"), schedule.TextAt("scheduling.minute"),
               schedule.TextAt("scheduling.hour"), schedule.TextAt("scheduling.day"),
               schedule.TextAt("scheduling.timeZone"), schedule.TextAt("retentionTime") + " d",
               TimeAt(schedule, "nextRunAt"), schedule.TextAt("missed"),
               schedule.TextAt("skipped")});
  }
  return table.Text();
}

std::string JobTable(const JsonValue::Array& jobs) {
  TextTable table(
      {{"job"}, {"kind"}, {"addon"}, {"of"}, {"status"}, {"phase"}, {"created"}, {"error"}});
  for (const JsonValue& job : jobs) {
    table.Add({job.TextAt("id"), job.TextAt("kind"), job.TextAt("addonId"), job.TextAt("subjectId"),
               StatusText(job), job.TextAt("progress.phase"), TimeAt(job, "createdAt"),
               job.TextAt("error")});
  }
  return table.Text();
}

std::string LogText(const JsonValue& line) {
  std::string level = line.TextAt("level");
  level.resize(std::max<size_t>(level.size(), 7), ' ');
  return line.TextAt("at") + "  " + level + "  " + line.TextAt("text") + "\n";
}

}  // namespace varve::cli
