// `varve backup …`: list, show, make and abort backups; further actions stand in files of their
// own.
#include "agent_records.h"
#include "agent_work.h"
#include "backup_actions.h"
#include "backup_selector.h"
#include "human_units.h"

namespace varve::cli {
namespace {

Result<ExitCode> List(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const std::string& addon = arguments.Get("ADDON");
  AgentClient::Query query;
  const std::pair<const char*, const char*> filters[] = {{"status", "status"},
                                                         {"type", "backupType"},
                                                         {"schedule", "schedule"},
                                                         {"source", "source"},
                                                         {"search", "search"}};
  for (const auto& [option, filter] : filters) {
    if (const auto value = arguments.Find(option)) query.emplace_back(filter, *value);
  }
  if (arguments.Has("oldest-first")) query.emplace_back("sort", "createdAt");
  size_t limit = SIZE_MAX;
  if (const auto text = arguments.Find("limit")) {
    VARVE_ASSIGN_OR_RETURN(limit, ParseNumber("--limit", *text, 1, INT64_MAX));
  }
  VARVE_ASSIGN_OR_RETURN(
      JsonValue::Array backups,
      invocation.agent->List(AgentPath({"addons", addon, "backups"}), query, limit));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(backups));
    return ExitCode::kOk;
  }
  VARVE_ASSIGN_OR_RETURN(const auto names, ScheduleNamesOf(*invocation.agent, addon));
  invocation.console.Print(BackupTable(backups, names));
  return ExitCode::kOk;
}

Result<ExitCode> Show(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  VARVE_ASSIGN_OR_RETURN(const JsonValue backup,
                         invocation.agent->Get(AgentPath({"addons", addon, "backups", id})));
  if (invocation.console.json()) {
    invocation.console.PrintJson(backup);
    return ExitCode::kOk;
  }
  VARVE_ASSIGN_OR_RETURN(const auto names, ScheduleNamesOf(*invocation.agent, addon));
  invocation.console.Print(BackupFacts(backup, names));
  return ExitCode::kOk;
}

AgentWork BackupWork(Invocation& invocation, const std::string& addon, const std::string& id) {
  return {"backup " + id, "varve backup show " + addon + " " + id, [&invocation, addon, id] {
            return invocation.agent->Get(AgentPath({"addons", addon, "backups", id}));
          }};
}

Result<ExitCode> Create(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const std::string& addon = arguments.Get("ADDON");
  JsonValue::Object request{{"backupType", arguments.FindOr("type", "snapshot")}};
  if (const auto name = arguments.Find("name")) request.emplace_back("name", *name);
  if (const auto type = arguments.Find("compression")) {
    request.emplace_back("compressionType", *type);
  }
  if (const auto text = arguments.Find("level")) {
    VARVE_ASSIGN_OR_RETURN(const int64_t level, ParseNumber("--level", *text, 1, 19));
    request.emplace_back("level", level);
  }
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue backup,
      invocation.agent->Send("POST", AgentPath({"addons", addon, "backups"}), request));
  const AgentWork work = BackupWork(invocation, addon, backup.TextAt("id"));
  return FinishOrLeave(invocation, work, backup, [&](const JsonValue& done) {
    return "backup " + done.TextAt("id") + " '" + done.TextAt("name") + "' of " + addon +
           " is completed: " + SizeAt(done, "bytesChanged") + " changed of " +
           SizeAt(done, "bytesLogical") + ", " + SizeAt(done, "bytesStored") + " stored\n";
  });
}

Result<ExitCode> Abort(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue backup,
      invocation.agent->Send("POST", AgentPath({"addons", addon, "backups", id, "abort"})));
  const AgentWork work = BackupWork(invocation, addon, id);
  if (!invocation.arguments.Has("wait")) {
    if (invocation.console.json()) {
      invocation.console.PrintJson(backup);
    } else {
      invocation.console.Print(work.name + " is told to stop; `" + work.look_cli + "`\n");
    }
    return ExitCode::kOk;
  }
  VARVE_ASSIGN_OR_RETURN(const JsonValue ended, AwaitAgentWork(invocation, work));
  if (invocation.console.json()) {
    invocation.console.PrintJson(ended);
  } else {
    invocation.console.Print(work.name + " is " + ended.TextAt("status") + "\n");
  }
  return ExitCode::kOk;
}

const Verb kList{
    .name = "backup list",
    .purpose = "List an addon's backups, newest first",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}},
    .options = {{"status", "STATUS", "scheduled, in-progress, completed, aborted, failed, ..."},
                {"type", "TYPE", "snapshot or dump"},
                {"schedule", "ID", "made by this schedule"},
                {"source", "SOURCE", "sameAddon, snapshot, liveInstance, externalDump, fileUpload"},
                {"search", "TEXT", "part of the name or the id"},
                {"oldest-first", "", "the other way round"},
                {"limit", "N", "no more than N"}},
    .run = List};
const Verb kCreate{
    .name = "backup create",
    .purpose = "Take a backup now",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}},
    .options = {{"name", "NAME", "3 to 39 characters; made with the date if missing"},
                {"type", "TYPE", "snapshot (the usual) or dump"},
                {"compression", "TYPE", "gz or zstd, of a dump"},
                {"level", "N", "of the compression, 1 to 19"},
                WaitOption()},
    .run = Create};
const Verb kShow{.name = "backup show",
                 .purpose = "Show all that is known of a backup",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}, {"BACKUP"}},
                 .details = kBackupDetails,
                 .run = Show};
const Verb kAbort{.name = "backup abort",
                  .purpose = "Stop a backup that is scheduled or in progress",
                  .opening = Opening::kAgent,
                  .positionals = {{"ADDON"}, {"BACKUP"}},
                  .options = {{"wait", "", "until it has stopped"}},
                  .details = kBackupDetails,
                  .run = Abort};

std::vector<const Verb*> Actions() {
  std::vector<const Verb*> actions = {&kList, &kCreate, &kShow, &kAbort};
  for (const auto& more : {BackupKeepingActions(), BackupRestoreActions(), BackupInsideActions()}) {
    actions.insert(actions.end(), more.begin(), more.end());
  }
  return actions;
}

}  // namespace

extern const Verb kBackupVerb{.name = "backup",
                              .purpose = "Take, keep, check, restore and delete an addon's backups",
                              .opening = Opening::kAgent,
                              .actions = Actions()};

}  // namespace varve::cli
