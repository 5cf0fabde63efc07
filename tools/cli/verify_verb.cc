#include "damage_text.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<VerifyLevel> ParseLevel(const std::string& text) {
  if (text == "structure") return VerifyLevel::kStructure;
  if (text == "stored") return VerifyLevel::kStored;
  if (text == "full") return VerifyLevel::kFull;
  return InvalidArgument("level '" + text + "' is none of structure, stored, full");
}

Result<std::vector<SnapshotRecord>> Chosen(Invocation& invocation) {
  const std::vector<std::string> selectors = invocation.arguments.All("SNAPSHOT");
  if (selectors.empty()) return invocation.engine->List("");
  std::vector<SnapshotRecord> records;
  for (const std::string& selector : selectors) {
    VARVE_ASSIGN_OR_RETURN(SnapshotRecord record, invocation.engine->Find(selector));
    records.push_back(std::move(record));
  }
  return records;
}

// Without the key nobody can tell which packs a snapshot needs: all of them are checked as stored,
// and that the records are whole.
Result<ExitCode> VerifyLocked(Invocation& invocation, const std::string& level_text) {
  const Status needs = invocation.engine->repository().CheckUnlocked();
  if (level_text == "full") return needs;
  VARVE_ASSIGN_OR_RETURN(const CheckReport report, invocation.engine->Check(invocation.progress));
  invocation.console.Warn("checked all stored bytes instead of single snapshots: " +
                          needs.message());
  if (invocation.console.json()) {
    JsonValue::Array findings;
    for (const CheckFinding& finding : report.findings)
      findings.emplace_back(finding.what);
    invocation.console.PrintJson(JsonValue::Object{
        {"good", report.clean()}, {"level", level_text}, {"findings", std::move(findings)}});
  } else {
    std::string text;
    for (const CheckFinding& finding : report.findings)
      text += "damage: " + finding.what + "\n";
    text += Counted(report.snapshots, "sealed snapshot") + " and " + Counted(report.packs, "pack") +
            ": " + (report.clean() ? "whole as stored\n" : "DAMAGED\n");
    invocation.console.Print(text);
  }
  return report.clean() ? ExitCode::kOk : ExitCode::kDamaged;
}

JsonValue ReportJson(const SnapshotRecord& record, const VerifyReport& report) {
  return JsonValue::Object{{"snapshotId", record.id.Hex()},
                           {"volume", record.volume_name},
                           {"good", report.hurt.empty()},
                           {"chunksVerified", report.chunks_verified},
                           {"bytesVerified", report.bytes_verified},
                           {"hurt", HurtRangesJson(report.hurt)}};
}

std::string ReportText(const SnapshotRecord& record, const VerifyReport& report,
                       const std::string& level_text) {
  const std::string name = "snapshot " + record.id.Hex() + " of " + record.volume_name;
  if (!report.hurt.empty()) {
    return name + " is DAMAGED (" + level_text + "):\n" + HurtRangeLines(report.hurt);
  }
  return name + " is good (" + level_text + "): " + Counted(report.chunks_verified, "chunk") +
         ", " + HumanSize(report.bytes_verified) + "\n";
}

// Did somebody delete a snapshot that nobody asked for by name, since it was listed?
bool WasDeletedMeanwhile(Invocation& invocation, const SnapshotRecord& record,
                         const Status& failure) {
  return failure.code() == Code::kNotFound && invocation.arguments.All("SNAPSHOT").empty() &&
         invocation.engine->Find(record.id.Hex()).status().code() == Code::kNotFound;
}

Result<ExitCode> Run(Invocation& invocation) {
  const std::string level_text = invocation.arguments.FindOr("level", "full");
  VARVE_ASSIGN_OR_RETURN(const VerifyLevel level, ParseLevel(level_text));
  if (invocation.engine->repository().locked()) return VerifyLocked(invocation, level_text);
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, Chosen(invocation));
  Console& console = invocation.console;
  bool hurt = false;
  JsonValue::Array results;
  for (const SnapshotRecord& record : records) {
    invocation.progress.bytes_done = 0;
    const Result<VerifyReport> report =
        invocation.engine->Verify(record, level, invocation.progress);
    if (WasDeletedMeanwhile(invocation, record, report.status())) {
      console.Note("snapshot " + record.id.Hex() + " was deleted meanwhile");
      continue;
    }
    VARVE_RETURN_IF_ERROR(report.status());
    hurt = hurt || !report->hurt.empty();
    if (console.json()) {
      results.emplace_back(ReportJson(record, *report));
    } else {
      console.Print(ReportText(record, *report, level_text));
    }
  }
  if (console.json()) {
    console.PrintJson(JsonValue::Object{
        {"good", !hurt}, {"level", level_text}, {"snapshots", std::move(results)}});
  } else if (records.empty()) {
    console.Print("no snapshots\n");
  }
  return hurt ? ExitCode::kDamaged : ExitCode::kOk;
}

}  // namespace

extern const Verb kVerifyVerb{
    .name = "verify",
    .purpose = "Prove that snapshots can be read back; all of them unless some are named",
    .opening = Opening::kRead,
    .shows_progress = true,
    .works_without_key = true,
    .positionals = {{"SNAPSHOT", Count::kAny}},
    .options = {{"level", "LEVEL", "structure, stored or full; full unless given"}},
    .details = std::string(kSelectorDetails) +
               "structure: the whole tree, and that every chunk has its place. stored: and every\n"
               "stored byte by its checksum. full: and every chunk decoded, by its fingerprint "
               "and id.\nExit code 8 if a range of a volume cannot be read back.\n",
    .run = Run};

}  // namespace varve::cli
