#include "human_units.h"
#include "snapshot_facts.h"
#include "verb.h"

namespace varve::cli {
namespace {

// Without the key nothing but their ids can be told.
Result<ExitCode> ListNames(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotId> ids,
                         invocation.engine->repository().SnapshotIds());
  invocation.console.Warn("only the names of the snapshots can be told: " +
                          invocation.engine->repository().CheckUnlocked().message());
  if (!invocation.console.json()) {
    std::string text;
    for (const SnapshotId& id : ids)
      text += id.Hex() + "\n";
    invocation.console.Print(text);
    return ExitCode::kOk;
  }
  JsonValue::Array snapshots;
  for (const SnapshotId& id : ids)
    snapshots.emplace_back(JsonValue::Object{{"snapshotId", id.Hex()}, {"sealed", true}});
  invocation.console.PrintJson(std::move(snapshots));
  return ExitCode::kOk;
}

Result<ExitCode> Run(Invocation& invocation) {
  if (invocation.engine->repository().locked()) return ListNames(invocation);
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records,
                         invocation.engine->repository().Snapshots(&damaged));
  for (const DamagedRecord& record : damaged) {
    invocation.console.Warn("damaged and left out: " + record.status.message());
  }
  if (const auto volume = invocation.arguments.Find("volume")) {
    std::erase_if(records, [&](const SnapshotRecord& r) { return r.volume_name != *volume; });
  }
  std::map<SnapshotId, uint64_t> unique;
  const bool with_unique = invocation.arguments.Has("unique");
  if (with_unique) {
    VARVE_ASSIGN_OR_RETURN(unique,
                           UniqueSizes(invocation.engine->repository(), invocation.progress));
  }
  if (invocation.console.json()) {
    JsonValue::Array snapshots;
    for (const SnapshotRecord& record : records) {
      JsonValue::Object object = SnapshotJson(record);
      if (with_unique) object.emplace_back("uniqueSize", unique[record.id]);
      snapshots.emplace_back(std::move(object));
    }
    invocation.console.PrintJson(std::move(snapshots));
    return ExitCode::kOk;
  }
  invocation.console.Print(records.empty() ? "no snapshots\n" : SnapshotTable(records));
  for (const SnapshotRecord& record : records) {
    if (!with_unique) break;
    invocation.console.Print("deleting " + record.id.Short() + " alone frees " +
                             HumanSize(unique[record.id]) + "\n");
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kListVerb{.name = "list",
                            .purpose = "List the snapshots, oldest first",
                            .opening = Opening::kRead,
                            .works_without_key = true,
                            .options = {{"volume", "NAME", "only those of this volume"},
                                        {"unique", "", "and what each one's deletion would free"}},
                            .run = Run};

}  // namespace varve::cli
