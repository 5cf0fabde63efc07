#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_RETURN_IF_ERROR(invocation.engine->repository().RebuildIndex());
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"rebuilt", true}});
  } else {
    invocation.console.Print("the index is rebuilt\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kRebuildIndexVerb{
    .name = "rebuild-index",
    .purpose = "Make the index anew from the packs",
    .opening = Opening::kWrite,
    .details =
        "Never needed for correctness: a missing, stale or damaged index is rebuilt by "
        "itself.\n",
    .run = Run};

}  // namespace varve::cli
