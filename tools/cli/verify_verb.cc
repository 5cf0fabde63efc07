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
    VARVE_ASSIGN_OR_RETURN(const VerifyReport report,
                           invocation.engine->Verify(record, level, invocation.progress));
    hurt = hurt || !report.hurt.empty();
    if (console.json()) {
      results.emplace_back(JsonValue::Object{{"snapshotId", record.id.Hex()},
                                             {"volume", record.volume_name},
                                             {"good", report.hurt.empty()},
                                             {"chunksVerified", report.chunks_verified},
                                             {"bytesVerified", report.bytes_verified},
                                             {"hurt", HurtRangesJson(report.hurt)}});
      continue;
    }
    const std::string name = "snapshot " + record.id.Hex() + " of " + record.volume_name;
    if (report.hurt.empty()) {
      console.Print(name + " is good (" + level_text +
                    "): " + Counted(report.chunks_verified, "chunk") + ", " +
                    HumanSize(report.bytes_verified) + "\n");
    } else {
      console.Print(name + " is DAMAGED (" + level_text + "):\n" + HurtRangeLines(report.hurt));
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
