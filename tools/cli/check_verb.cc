#include "damage_text.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string ReportText(const CheckReport& report) {
  std::string text;
  for (const std::string& note : report.notes)
    text += "note: " + note + "\n";
  for (const CheckFinding& finding : report.findings) {
    const bool named = finding.what.find(finding.object) != std::string::npos;
    text += "damage: " + (named ? "" : finding.object + ": ") + finding.what + "\n";
  }
  for (const HurtSnapshot& hurt : report.hurt) {
    text += "snapshot " + hurt.id.Hex() + " of " + hurt.volume_name + " is hurt:\n" +
            HurtRangeLines(hurt.ranges);
  }
  text += "checked " + Counted(report.packs, "pack") + " with " + Counted(report.frames, "frame") +
          " (" + HumanSize(report.bytes_checked) + ") and " +
          Counted(report.snapshots, "snapshot") + ": ";
  if (report.clean()) return text + "all is well\n";
  return text + Counted(report.findings.size(), "finding") + ", " +
         Counted(report.hurt.size(), "snapshot") + " hurt\n";
}

JsonValue ReportJson(const CheckReport& report) {
  JsonValue::Array findings;
  for (const CheckFinding& finding : report.findings) {
    findings.emplace_back(JsonValue::Object{{"object", finding.object}, {"what", finding.what}});
  }
  JsonValue::Array hurt;
  for (const HurtSnapshot& snapshot : report.hurt) {
    hurt.emplace_back(JsonValue::Object{{"snapshotId", snapshot.id.Hex()},
                                        {"volume", snapshot.volume_name},
                                        {"ranges", HurtRangesJson(snapshot.ranges)}});
  }
  JsonValue::Array notes(report.notes.begin(), report.notes.end());
  return JsonValue::Object{{"clean", report.clean()},
                           {"findings", std::move(findings)},
                           {"hurtSnapshots", std::move(hurt)},
                           {"notes", std::move(notes)},
                           {"packs", report.packs},
                           {"frames", report.frames},
                           {"snapshots", report.snapshots},
                           {"bytesChecked", report.bytes_checked}};
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const CheckReport report, invocation.engine->Check(invocation.progress));
  if (invocation.engine->repository().locked()) {
    invocation.console.Warn("stored bytes are checked, what they hold is not: " +
                            invocation.engine->repository().CheckUnlocked().message());
  }
  if (invocation.console.json()) {
    invocation.console.PrintJson(ReportJson(report));
  } else {
    invocation.console.Print(ReportText(report));
  }
  return report.clean() ? ExitCode::kOk : ExitCode::kDamaged;
}

}  // namespace

extern const Verb kCheckVerb{
    .name = "check",
    .purpose = "Read every byte of the repository and say what is damaged and whom it hurts",
    .opening = Opening::kRead,
    .shows_progress = true,
    .works_without_key = true,
    .details =
        "Names each damaged object, and the snapshots and ranges of their volumes that it\n"
        "hurts. Everything else can still be restored. Exit code 8 if there is damage.\n",
    .run = Run};

}  // namespace varve::cli
