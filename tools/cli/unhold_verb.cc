#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(invocation.arguments.Get("SNAPSHOT")));
  VARVE_RETURN_IF_ERROR(invocation.engine->repository().Unhold(record.id));
  if (invocation.console.json()) {
    invocation.console.PrintJson(
        JsonValue::Object{{"snapshotId", record.id.Hex()}, {"held", false}});
  } else {
    invocation.console.Print("snapshot " + record.id.Hex() + " is not held any more\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kUnholdVerb{.name = "unhold",
                              .purpose = "Let a held snapshot go",
                              .opening = Opening::kMaintain,
                              .positionals = {{"SNAPSHOT"}},
                              .details = kSelectorDetails,
                              .run = Run};

}  // namespace varve::cli
