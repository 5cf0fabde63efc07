#include "human_units.h"
#include "snapshot_facts.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(invocation.arguments.Get("SNAPSHOT")));
  JsonValue::Object object = SnapshotJson(record);
  std::vector<std::pair<std::string, std::string>> facts = SnapshotFacts(record);
  if (invocation.arguments.Has("unique")) {
    VARVE_ASSIGN_OR_RETURN(const auto sizes,
                           UniqueSizes(invocation.engine->repository(), invocation.progress));
    object.emplace_back("uniqueSize", sizes.at(record.id));
    facts.emplace_back("unique", HumanSize(sizes.at(record.id)));
  }
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(object));
  } else {
    invocation.console.Print(FactLines(facts));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kShowVerb{.name = "show",
                            .purpose = "Show all that is known of a snapshot",
                            .opening = Opening::kRead,
                            .positionals = {{"SNAPSHOT"}},
                            .options = {{"unique", "", "and what its deletion would free"}},
                            .details = kSelectorDetails,
                            .run = Run};

}  // namespace varve::cli
