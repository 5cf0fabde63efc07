// `varve backup retain|release|hold|unhold|delete`: how long a backup stays.
#include "agent_records.h"
#include "agent_work.h"
#include "backup_actions.h"
#include "backup_selector.h"

namespace varve::cli {
namespace {

// One request about the backup, and what it means once the agent agreed.
Result<ExitCode> Ask(Invocation& invocation, const std::string& method, const std::string& resource,
                     const JsonValue& body, const std::string& done) {
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  const std::string path =
      AgentPath({"addons", invocation.arguments.Get("ADDON"), "backups", id, resource});
  VARVE_ASSIGN_OR_RETURN(const JsonValue backup, invocation.agent->Send(method, path, body));
  if (invocation.console.json()) {
    invocation.console.PrintJson(backup);
  } else {
    invocation.console.Print("backup " + id + " " + done + "\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Retain(Invocation& invocation) {
  return Ask(invocation, "POST", "retain", {}, "stays whatever its schedules say");
}

Result<ExitCode> Release(Invocation& invocation) {
  return Ask(invocation, "DELETE", "retain", {}, "stays as long as its schedules say");
}

Result<ExitCode> Hold(Invocation& invocation) {
  const JsonValue::Object hold{{"name", invocation.arguments.Get("NAME")},
                               {"reason", invocation.arguments.Get("REASON")}};
  return Ask(invocation, "PUT", "hold", hold, "is held: nobody deletes it");
}

Result<ExitCode> Unhold(Invocation& invocation) {
  return Ask(invocation, "DELETE", "hold", {}, "is no longer held");
}

Result<ExitCode> PlanDelete(Invocation& invocation, const std::string& path,
                            const std::string& id) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue plan,
                         invocation.agent->Send("DELETE", path, JsonValue(), {{"dryRun", "true"}}));
  const std::string refusal = plan.TextAt("refusal");
  if (invocation.console.json()) {
    invocation.console.PrintJson(plan);
  } else if (refusal.empty()) {
    invocation.console.Print("backup " + id + " would go and free " + SizeAt(plan, "bytesFreed") +
                             " at the next collection\n");
  } else {
    invocation.console.Print("backup " + id + " would not go: " + refusal + "\n");
  }
  return ExitCode::kOk;
}

Result<ExitCode> Delete(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::string id, SelectedBackup(invocation));
  const std::string path = AgentPath({"addons", invocation.arguments.Get("ADDON"), "backups", id});
  if (invocation.arguments.Has("dry-run")) return PlanDelete(invocation, path, id);
  VARVE_ASSIGN_OR_RETURN(const JsonValue job, invocation.agent->Send("DELETE", path));
  return FinishOrLeaveJob(invocation, job, "backup " + id + " is deleted");
}

const Verb kRetain{.name = "backup retain",
                   .purpose = "Keep a schedule's backup forever",
                   .opening = Opening::kAgent,
                   .positionals = {{"ADDON"}, {"BACKUP"}},
                   .details = kBackupDetails,
                   .run = Retain};
const Verb kRelease{.name = "backup release",
                    .purpose = "Let a retained backup expire as its schedules say",
                    .opening = Opening::kAgent,
                    .positionals = {{"ADDON"}, {"BACKUP"}},
                    .details = kBackupDetails,
                    .run = Release};
const Verb kHold{.name = "backup hold",
                 .purpose = "Put a legal hold on a backup: neither users nor expiry delete it",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}, {"BACKUP"}, {"NAME"}, {"REASON"}},
                 .details = kBackupDetails,
                 .run = Hold};
const Verb kUnhold{.name = "backup unhold",
                   .purpose = "Take the hold away",
                   .opening = Opening::kAgent,
                   .positionals = {{"ADDON"}, {"BACKUP"}},
                   .details = kBackupDetails,
                   .run = Unhold};
const Verb kDelete{
    .name = "backup delete",
    .purpose = "Delete a backup; others are never hurt by that",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}, {"BACKUP"}},
    .options = {{"dry-run", "", "only say what would be freed, or why it stays"}, WaitOption()},
    .details = kBackupDetails,
    .run = Delete};

}  // namespace

std::vector<const Verb*> BackupKeepingActions() {
  return {&kRetain, &kRelease, &kHold, &kUnhold, &kDelete};
}

}  // namespace varve::cli
