// `varve agent …`: the agent itself.
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> ShowStatus(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue health, invocation.agent->Get("/readyz"));
  VARVE_ASSIGN_OR_RETURN(JsonValue::Array repositories,
                         invocation.agent->List(AgentPath({"repositories"})));
  VARVE_ASSIGN_OR_RETURN(const JsonValue::Array running,
                         invocation.agent->List(AgentPath({"jobs"}), {{"status", "in-progress"}}));
  VARVE_ASSIGN_OR_RETURN(const JsonValue::Array waiting,
                         invocation.agent->List(AgentPath({"jobs"}), {{"status", "scheduled"}}));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"status", health.TextAt("status")},
                                                   {"version", health.TextAt("version")},
                                                   {"jobsRunning", running.size()},
                                                   {"jobsWaiting", waiting.size()},
                                                   {"repositories", std::move(repositories)}});
    return ExitCode::kOk;
  }
  std::vector<std::pair<std::string, std::string>> facts = {
      {"status", health.TextAt("status")},
      {"version", health.TextAt("version")},
      {"jobs running", std::to_string(running.size())},
      {"jobs waiting", std::to_string(waiting.size())}};
  for (const JsonValue& repository : repositories) {
    facts.emplace_back("repository", repository.TextAt("id") + ": " + repository.TextAt("path"));
  }
  invocation.console.Print(FactLines(facts));
  return ExitCode::kOk;
}

Result<ExitCode> Adopt(Invocation& invocation) {
  const std::string& repository = invocation.arguments.Get("REPOSITORY");
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue adoption,
      invocation.agent->Send("POST", AgentPath({"repositories", repository, "adopt"})));
  if (invocation.console.json()) {
    invocation.console.PrintJson(adoption);
  } else {
    invocation.console.Print("backups adopted from repository " + repository + ": " +
                             adoption.TextAt("backups") + "\n");
  }
  return ExitCode::kOk;
}

const Verb kStatus{.name = "agent status",
                   .purpose = "Say whether the agent works, and what it works with",
                   .opening = Opening::kAgent,
                   .run = ShowStatus};
const Verb kAdopt{
    .name = "agent adopt",
    .purpose = "Take what a repository holds into the agent's books",
    .opening = Opening::kAgent,
    .positionals = {{"REPOSITORY"}},
    .details =
        "REPOSITORY is an id of the agent's configuration. Snapshots that the agent does\n"
        "not know become backups, of addons named after their volumes.\n",
    .run = Adopt};

}  // namespace

extern const Verb kAgentVerb{
    .name = "agent",
    .purpose = "Ask how the agent is, or have it adopt a repository",
    .opening = Opening::kAgent,
    .details =
        "The agent is where VARVE_URL says (unix:///run/varve/varved.sock if not set); the token\n"
        "for it is in the file that VARVE_TOKEN_FILE names. On the unix socket who you are may\n"
        "do.\n",
    .actions = {&kStatus, &kAdopt}};

}  // namespace varve::cli
