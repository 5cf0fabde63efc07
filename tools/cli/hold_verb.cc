#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(invocation.arguments.Get("SNAPSHOT")));
  const std::string& reason = invocation.arguments.Get("REASON");
  VARVE_RETURN_IF_ERROR(invocation.engine->repository().Hold(record.id, reason));
  if (invocation.console.json()) {
    invocation.console.PrintJson(
        JsonValue::Object{{"snapshotId", record.id.Hex()}, {"held", true}, {"reason", reason}});
  } else {
    invocation.console.Print("snapshot " + record.id.Hex() + " is held: " + reason + "\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kHoldVerb{.name = "hold",
                            .purpose = "Keep a snapshot from being deleted, and say why",
                            .opening = Opening::kMaintain,
                            .positionals = {{"SNAPSHOT"}, {"REASON"}},
                            .details = kSelectorDetails,
                            .run = Run};

}  // namespace varve::cli
