// `varve addon …`: the managed databases of the agent.
#include "agent_records.h"
#include "agent_work.h"
#include "backup_selector.h"
#include "human_units.h"

namespace varve::cli {
namespace {

Result<ExitCode> List(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(JsonValue::Array addons, invocation.agent->List(AgentPath({"addons"})));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(addons));
  } else {
    invocation.console.Print(AddonTable(addons));
  }
  return ExitCode::kOk;
}

Result<ExitCode> Show(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue addon,
      invocation.agent->Get(AgentPath({"addons", invocation.arguments.Get("ADDON")})));
  if (invocation.console.json()) {
    invocation.console.PrintJson(addon);
  } else {
    invocation.console.Print(AddonFacts(addon));
  }
  return ExitCode::kOk;
}

// Members for the options that were given.
void AddGiven(JsonValue::Object& object, const Arguments& arguments, const std::string& option,
              const std::string& member) {
  if (const auto value = arguments.Find(option)) object.emplace_back(member, *value);
}

Result<JsonValue::Object> ConnectionOf(const Arguments& arguments) {
  JsonValue::Object connection;
  AddGiven(connection, arguments, "host", "host");
  if (const auto text = arguments.Find("port")) {
    VARVE_ASSIGN_OR_RETURN(const int64_t port, ParseNumber("--port", *text, 1, 65535));
    connection.emplace_back("port", port);
  }
  AddGiven(connection, arguments, "admin-user", "adminUser");
  AddGiven(connection, arguments, "password-file", "passwordFile");
  const std::vector<std::string> users = arguments.All("access-user");
  if (!users.empty()) {
    connection.emplace_back("accessUsers", JsonValue::Array(users.begin(), users.end()));
  }
  return connection;
}

JsonValue::Object VolumeOf(const Arguments& arguments) {
  JsonValue::Object volume;
  AddGiven(volume, arguments, "volume", "path");
  AddGiven(volume, arguments, "mountpoint", "mountpoint");
  AddGiven(volume, arguments, "capture", "capture");
  return volume;
}

Result<ExitCode> Register(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  if (!arguments.Has("volume")) return InvalidArgument("--volume PATH is missing");
  JsonValue::Object request{{"id", arguments.Get("ADDON")},
                            {"engine", arguments.FindOr("engine", "none")}};
  AddGiven(request, arguments, "engine-version", "version");
  request.emplace_back("volume", VolumeOf(arguments));
  VARVE_ASSIGN_OR_RETURN(JsonValue::Object connection, ConnectionOf(arguments));
  if (!connection.empty()) request.emplace_back("connection", std::move(connection));
  AddGiven(request, arguments, "repository", "repository");
  VARVE_ASSIGN_OR_RETURN(const JsonValue addon,
                         invocation.agent->Send("POST", AgentPath({"addons"}), request));
  if (invocation.console.json()) {
    invocation.console.PrintJson(addon);
  } else {
    invocation.console.Print("addon " + addon.TextAt("id") + " is registered\n" +
                             AddonFacts(addon));
  }
  return ExitCode::kOk;
}

Result<ExitCode> Fork(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const std::string& source = arguments.Get("ADDON");
  const std::string& name = arguments.Get("NEW");
  std::string backup = arguments.FindOr("backup", "latest");
  if (backup != "latest") {
    VARVE_ASSIGN_OR_RETURN(backup, SelectBackup(*invocation.agent, source, backup));
  }
  JsonValue::Object request{
      {"id", name},
      {"source", JsonValue::Object{{"addonId", source}, {"backupId", std::move(backup)}}}};
  if (arguments.Has("volume")) request.emplace_back("volume", VolumeOf(arguments));
  VARVE_ASSIGN_OR_RETURN(JsonValue::Object connection, ConnectionOf(arguments));
  if (!connection.empty()) request.emplace_back("connection", std::move(connection));
  VARVE_ASSIGN_OR_RETURN(const JsonValue addon,
                         invocation.agent->Send("POST", AgentPath({"addons"}), request));
  const std::string id = addon.TextAt("restoreId");
  const AgentWork work{"fork " + name, "varve backup restores " + name, [&] {
                         return invocation.agent->Get(AgentPath({"addons", name, "restores", id}));
                       }};
  return FinishOrLeave(invocation, work, addon, [&](const JsonValue& restore) {
    return "addon " + name + " is forked from " + source + ", backup " +
           restore.TextAt("backupId") + "\n";
  });
}

Result<ExitCode> Reset(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  const auto confirm = invocation.arguments.Find("confirm");
  if (!confirm || *confirm != addon) {
    return InvalidArgument("a reset takes the data of " + addon +
                           " away: confirm it with --confirm " + addon);
  }
  VARVE_ASSIGN_OR_RETURN(const JsonValue restore,
                         invocation.agent->Send("POST", AgentPath({"addons", addon, "reset"}),
                                                JsonValue::Object{{"confirm", addon}}));
  return FinishOrLeaveRestore(invocation, restore);
}

Result<ExitCode> Remove(Invocation& invocation) {
  const std::string& addon = invocation.arguments.Get("ADDON");
  AgentClient::Query query;
  const bool deletes = invocation.arguments.Has("delete-backups");
  if (deletes) query.emplace_back("backups", "delete");
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue removal,
      invocation.agent->Send("DELETE", AgentPath({"addons", addon}), JsonValue(), query));
  if (invocation.console.json()) {
    invocation.console.PrintJson(removal);
  } else {
    invocation.console.Print("addon " + addon + " is no longer the agent's; its backups " +
                             (deletes ? "are deleted\n" : "stay\n"));
  }
  return ExitCode::kOk;
}

std::vector<OptionSpec> ConnectionOptions() {
  return {{"host", "HOST", "where the database listens"},
          {"port", "PORT", "and at which port; hooks are told"},
          {"admin-user", "NAME", "the role that administers it"},
          {"password-file", "FILE", "on the agent's host, holds that role's password"},
          {"access-user", "NAME", "a role that tenants use", true}};
}

std::vector<OptionSpec> RegisterOptions() {
  std::vector<OptionSpec> options = {
      {"engine", "ENGINE", "postgresql, mysql, mariadb, mongodb, redis, or none (the usual)"},
      {"engine-version", "VERSION", "of the engine"},
      {"volume", "PATH", "the file or device that is backed up"},
      {"mountpoint", "DIR", "where its file system is mounted"},
      {"capture", "KIND", "auto (the usual), reflink, lvm-thin, frozen, stopped or plain"},
      {"repository", "ID", "of the agent's configuration; default if there are several"}};
  for (const OptionSpec& option : ConnectionOptions())
    options.push_back(option);
  return options;
}

const Verb kList{
    .name = "addon list", .purpose = "List the addons", .opening = Opening::kAgent, .run = List};
const Verb kShow{.name = "addon show",
                 .purpose = "Show all that is known of an addon",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}},
                 .run = Show};
const Verb kRegister{
    .name = "addon register",
    .purpose = "Tell the agent of a database and its volume",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}},
    .options = RegisterOptions(),
    .details = "If the volume exists, a first snapshot is taken: a reset goes back to it.\n",
    .run = Register};
const Verb kFork{.name = "addon fork",
                 .purpose = "Make a new addon with the content of a backup",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}, {"NEW"}},
                 .options = {{"backup", "BACKUP", "which; latest if not given"},
                             {"volume", "PATH", "the new volume; made by the agent if not given"},
                             {"mountpoint", "DIR", "where that volume is mounted"},
                             {"port", "PORT", "where the new database listens"},
                             WaitOption()},
                 .details = kBackupDetails,
                 .run = Fork};
const Verb kReset{
    .name = "addon reset",
    .purpose = "Bring an addon back to the state in which it was provisioned",
    .opening = Opening::kAgent,
    .positionals = {{"ADDON"}},
    .options = {{"confirm", "ADDON", "the addon's id once more: its data goes away"}, WaitOption()},
    .run = Reset};
const Verb kRemove{.name = "addon remove",
                   .purpose = "Have the agent forget an addon; its volume stays",
                   .opening = Opening::kAgent,
                   .positionals = {{"ADDON"}},
                   .options = {{"delete-backups", "", "its backups go too"}},
                   .run = Remove};

}  // namespace

extern const Verb kAddonVerb{.name = "addon",
                             .purpose = "Register, fork, reset and remove the agent's databases",
                             .opening = Opening::kAgent,
                             .actions = {&kList, &kShow, &kRegister, &kFork, &kReset, &kRemove}};

}  // namespace varve::cli
