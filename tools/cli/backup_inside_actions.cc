// `varve backup logs|verify|mount|umount|diff`: what a backup has in it and how it came about.
#include "agent_records.h"
#include "agent_work.h"
#include "backup_actions.h"
#include "backup_selector.h"
#include "human_units.h"
#include "text_table.h"

namespace varve::cli {
namespace {

std::vector<std::string> BackupWords(const Invocation& invocation, const std::string& id) {
  return {"addons", invocation.arguments.Get("ADDON"), "backups", id};
}

std::string PathBelow(std::vector<std::string> words, const std::string& last) {
  words.push_back(last);
  return AgentPath(words);
}

void ShowLine(Console& console, const JsonValue& line) {
  if (console.json()) {
    console.PrintJson(line);
  } else {
    console.Print(LogText(line));
  }
}

// As they come, until Ctrl-C or the work's end.
Result<ExitCode> FollowLogs(Invocation& invocation, const std::string& path,
                            AgentClient::Query query) {
  query.emplace_back("follow", "true");
  Console& console = invocation.console;
  const Status followed =
      invocation.agent->Follow(path, query, invocation.progress, [&](const std::string& data) {
        const Result<JsonValue> line = JsonValue::Parse(data);
        if (line.ok() && line->Find("text") != nullptr) ShowLine(console, *line);
        return console.Flush().ok();
      });
  VARVE_RETURN_IF_ERROR(followed);
  return ExitCode::kOk;
}

Result<ExitCode> Logs(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  std::string path;
  if (const auto restore = arguments.Find("restore")) {
    path = AgentPath({"addons", arguments.Get("ADDON"), "restores", *restore, "logs"});
  } else if (arguments.Has("BACKUP")) {
    VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
    path = PathBelow(BackupWords(invocation, id), "logs");
  } else {
    return InvalidArgument("name a BACKUP, or a restore with --restore ID");
  }
  AgentClient::Query query;
  for (const char* filter : {"from", "until", "text", "regex", "limit"}) {
    if (const auto value = arguments.Find(filter)) query.emplace_back(filter, *value);
  }
  if (arguments.Has("newest-first")) query.emplace_back("direction", "newest");
  if (arguments.Has("follow")) return FollowLogs(invocation, path, query);
  VARVE_ASSIGN_OR_RETURN(const JsonValue lines, invocation.agent->Get(path, query));
  for (const JsonValue& line : lines.elements())
    ShowLine(invocation.console, line);
  return ExitCode::kOk;
}

Result<ExitCode> Verify(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  const std::string level = invocation.arguments.FindOr("level", "checksum");
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue job,
      invocation.agent->Send("POST", PathBelow(BackupWords(invocation, id), "verify"),
                             JsonValue::Object{{"level", level}}));
  return FinishOrLeaveJob(invocation, job, "backup " + id + " passed at level " + level);
}

Result<ExitCode> Mount(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue mount,
      invocation.agent->Send(
          "POST", PathBelow(BackupWords(invocation, id), "mount"),
          JsonValue::Object{{"writable", invocation.arguments.Has("writable")}}));
  if (invocation.console.json()) {
    invocation.console.PrintJson(mount);
  } else {
    invocation.console.Print(mount.TextAt("path") + "\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Umount(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue removal,
      invocation.agent->Send("DELETE", PathBelow(BackupWords(invocation, id), "mount")));
  if (invocation.console.json()) {
    invocation.console.PrintJson(removal);
  } else {
    invocation.console.Print("backup " + id + " is no longer mounted\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Diff(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  VARVE_ASSIGN_OR_RETURN(const std::string base,
                         SelectBackup(*invocation.agent, addon, invocation.arguments.Get("BASE")));
  VARVE_ASSIGN_OR_RETURN(
      JsonValue::Array extents,
      invocation.agent->List(PathBelow(BackupWords(invocation, id), "diff"), {{"base", base}}));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(extents));
    return ExitCode::kOk;
  }
  TextTable table({{"offset", TextTable::Align::kRight}, {"length", TextTable::Align::kRight}});
  for (const JsonValue& extent : extents)
    table.Add({extent.TextAt("offset"), extent.TextAt("length")});
  invocation.console.Print(table.Text());
  return ExitCode::kOk;
}

const Verb kLogs{
    .name = "backup logs",
    .purpose = "Show what was said while a backup or a restore was made",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}, {"BACKUP", Count::kAtMostOne}},
    .options = {{"restore", "ID", "of this restore instead"},
                {"from", "TIME", "lines of TIME (2026-01-31T12:00:00.000Z) and later"},
                {"until", "TIME", "lines before TIME"},
                {"text", "TEXT", "lines with TEXT in them"},
                {"regex", "PATTERN", "lines that match PATTERN"},
                {"limit", "N", "no more than N"},
                {"newest-first", "", "the other way round"},
                {"follow", "", "go on with what is said from now on, until the end or Ctrl-C"}},
    .details = kBackupDetails,
    .run = Logs};
const Verb kVerify{
    .name = "backup verify",
    .purpose = "Prove that a backup can be restored",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}, {"BACKUP"}},
    .options = {{"level", "LEVEL", "checksum (the usual), mount, or restore"}, WaitOption()},
    .details =
        "checksum: every byte decodes to what was read. mount: its file system can be\n"
        "mounted. restore: a drill; the database is started on it and asked a question.\n",
    .run = Verify};
const Verb kMount{.name = "backup mount",
                  .purpose = "Show a backup as a file on the agent's host, and print its path",
                  .opening = Opening::kAgent,
                  .positionals = {{"ADDON"}, {"BACKUP"}},
                  .options = {{"writable", "", "copy on write; the backup stays as it is"}},
                  .details = kBackupDetails,
                  .run = Mount};
const Verb kUmount{.name = "backup umount",
                   .purpose = "Take that file away",
                   .opening = Opening::kAgent,
                   .positionals = {{"ADDON"}, {"BACKUP"}},
                   .details = kBackupDetails,
                   .run = Umount};
const Verb kDiff{.name = "backup diff",
                 .purpose = "List the byte ranges in which two backups differ",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}, {"BACKUP"}, {"BASE"}},
                 .details = kBackupDetails,
                 .run = Diff};

}  // namespace

std::vector<const Verb*> BackupInsideActions() {
  return {&kLogs, &kVerify, &kMount, &kUmount, &kDiff};
}

}  // namespace varve::cli
