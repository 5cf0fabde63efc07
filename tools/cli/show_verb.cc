#include "snapshot_facts.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(invocation.arguments.Get("SNAPSHOT")));
  if (invocation.console.json()) {
    invocation.console.PrintJson(SnapshotJson(record));
  } else {
    invocation.console.Print(FactLines(SnapshotFacts(record)));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kShowVerb{.name = "show",
                            .purpose = "Show all that is known of a snapshot",
                            .opening = Opening::kRead,
                            .positionals = {{"SNAPSHOT"}},
                            .details = kSelectorDetails,
                            .run = Run};

}  // namespace varve::cli
