// `varve backup restore|restores|abort-restore`.
#include "agent_records.h"
#include "agent_work.h"
#include "backup_actions.h"
#include "backup_selector.h"

namespace varve::cli {
namespace {

Result<ExitCode> ShowPlan(Invocation& invocation, const JsonValue& plan) {
  if (invocation.console.json()) {
    invocation.console.PrintJson(plan);
    return ExitCode::kOk;
  }
  const bool is_safe = plan.TextAt("safetySnapshot") == "true";
  invocation.console.Print("backup " + plan.TextAt("backupId") + ", " +
                           SizeAt(plan, "bytesLogical") + ", would be restored into " +
                           plan.TextAt("targetAddonId") +
                           (is_safe ? ", after a safety snapshot of what is there\n"
                                    : ", and what is there would be lost\n"));
  return ExitCode::kOk;
}

Result<ExitCode> Restore(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  const bool is_dry = arguments.Has("dry-run");
  JsonValue::Object request{{"safetySnapshot", !arguments.Has("no-safety-snapshot")},
                            {"mode", arguments.Has("instant") ? "instant" : "in-place"}};
  if (const auto target = arguments.Find("into")) request.emplace_back("targetAddonId", *target);
  if (is_dry) request.emplace_back("dryRun", true);
  const std::string path = AgentPath({"addons", arguments.Get("ADDON"), "backups", id, "restore"});
  VARVE_ASSIGN_OR_RETURN(const JsonValue answer, invocation.agent->Send("POST", path, request));
  return is_dry ? ShowPlan(invocation, answer) : FinishOrLeaveRestore(invocation, answer);
}

Result<ExitCode> Restores(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  std::string path = AgentPath({"addons", addon, "restores"});
  if (invocation.arguments.Has("BACKUP")) {
    VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
    path = AgentPath({"addons", addon, "backups", id, "restores"});
  }
  VARVE_ASSIGN_OR_RETURN(JsonValue::Array restores, invocation.agent->List(path));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(restores));
  } else {
    invocation.console.Print(RestoreTable(restores));
  }
  return ExitCode::kOk;
}

Result<ExitCode> AbortRestore(Invocation& invocation) {
  const std::string& id = invocation.arguments.Get("RESTORE");
  const std::string path =
      AgentPath({"addons", invocation.arguments.Get("ADDON"), "restores", id, "abort"});
  VARVE_ASSIGN_OR_RETURN(const JsonValue restore, invocation.agent->Send("POST", path));
  if (invocation.console.json()) {
    invocation.console.PrintJson(restore);
  } else {
    invocation.console.Print("restore " + id + " is told to stop\n");
  }
  return ExitCode::kOk;
}

const Verb kRestore{
    .name = "backup restore",
    .purpose = "Bring an addon's volume back to a backup; writes only what differs",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}, {"BACKUP"}},
    .options = {{"into", "ADDON", "another addon's volume instead"},
                {"no-safety-snapshot", "", "do not keep what is there now as a backup first"},
                {"instant", "", "start the database on the backup at once, fill the volume behind"},
                {"dry-run", "", "only say what would be done"},
                WaitOption()},
    .details = kBackupDetails,
    .run = Restore};
const Verb kRestores{.name = "backup restores",
                     .purpose = "List the restores into an addon, or those of one backup",
                     .opening = Opening::kAgent,
                     .positionals = {{"ADDON"}, {"BACKUP", Count::kAtMostOne}},
                     .details = kBackupDetails,
                     .run = Restores};
const Verb kAbortRestore{.name = "backup abort-restore",
                         .purpose = "Stop a restore; the safety snapshot brings the old state back",
                         .opening = Opening::kAgent,
                         .positionals = {{"ADDON"}, {"RESTORE"}},
                         .run = AbortRestore};

}  // namespace

std::vector<const Verb*> BackupRestoreActions() {
  return {&kRestore, &kRestores, &kAbortRestore};
}

}  // namespace varve::cli
