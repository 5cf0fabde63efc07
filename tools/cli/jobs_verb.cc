#include "agent_records.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  AgentClient::Query query;
  if (const auto status = invocation.arguments.Find("status")) {
    query.emplace_back("status", *status);
  }
  VARVE_ASSIGN_OR_RETURN(
      const int64_t limit,
      ParseNumber("--limit", invocation.arguments.FindOr("limit", "100"), 1, INT64_MAX));
  VARVE_ASSIGN_OR_RETURN(JsonValue::Array jobs, invocation.agent->List(AgentPath({"jobs"}), query,
                                                                       static_cast<size_t>(limit)));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(jobs));
  } else {
    invocation.console.Print(JobTable(jobs));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kJobsVerb{
    .name = "jobs",
    .purpose = "List what the agent does, did and will do",
    .opening = Opening::kAgent,
    .options = {{"status", "STATUS", "scheduled, in-progress, completed, aborted, failed, ..."},
                {"limit", "N", "the newest N; 100 if not given"}},
    .run = Run};

}  // namespace varve::cli
