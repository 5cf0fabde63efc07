#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string ReportText(const CopyReport& report) {
  const std::string name =
      "snapshot " + report.record.id.Hex() + " of " + report.record.volume_name;
  if (report.was_there) return name + ": is there already\n";
  return name + ": copied, " + Counted(report.chunks_sent, "chunk") + " sent, " +
         HumanSize(report.bytes_stored) + " stored" +
         (report.shared_ids ? "" : " (under other keys)") + "\n";
}

JsonValue ReportJson(const CopyReport& report) {
  return JsonValue::Object{{"snapshotId", report.record.id.Hex()},
                           {"volume", report.record.volume_name},
                           {"wasThere", report.was_there},
                           {"sharedKeys", report.shared_ids},
                           {"chunksSent", report.chunks_sent},
                           {"nodesSent", report.nodes_sent},
                           {"framesAsStored", report.frames_as_stored},
                           {"bytesRead", report.bytes_read},
                           {"bytesStored", report.bytes_stored}};
}

Result<std::vector<SnapshotRecord>> Selected(Invocation& invocation) {
  if (invocation.arguments.Has("all")) return invocation.engine->List("");
  std::vector<SnapshotRecord> records;
  for (const std::string& selector : invocation.arguments.All("SNAPSHOT")) {
    VARVE_ASSIGN_OR_RETURN(SnapshotRecord record, invocation.engine->Find(selector));
    records.push_back(std::move(record));
  }
  if (records.empty()) return InvalidArgument("name the snapshots to copy, or say --all");
  return records;
}

Result<ExitCode> Run(Invocation& invocation) {
  const std::optional<std::string> target = invocation.arguments.Find("to");
  if (!target) return InvalidArgument("--to says which repository to copy to");
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records, Selected(invocation));
  JsonValue::Array copies;
  VARVE_RETURN_IF_ERROR(invocation.engine->CopyTo(*target, std::move(records), invocation.progress,
                                                  [&](const CopyReport& report) {
                                                    if (invocation.console.json()) {
                                                      copies.push_back(ReportJson(report));
                                                    } else {
                                                      invocation.console.Print(ReportText(report));
                                                    }
                                                  }));
  if (invocation.console.json()) {
    invocation.console.PrintJson(JsonValue::Object{{"target", *target}, {"copies", copies}});
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kCopyVerb{
    .name = "copy",
    .purpose = "Copy snapshots to another repository, sending only what is missing there",
    .opening = Opening::kRead,
    .shows_progress = true,
    .positionals = {{"SNAPSHOT", Count::kAny}},
    .options = {{"to", "REPO", "the repository to copy to (varve init --like makes a good one)"},
                {"all", "", "all snapshots"}},
    .details = kSelectorDetails,
    .run = Run};

}  // namespace varve::cli
