#include "damage_text.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string ReportText(const ScrubReport& report) {
  std::string text;
  for (const std::string& note : report.notes)
    text += "note: " + note + "\n";
  for (const ScrubFinding& finding : report.findings) {
    text += "damage: " + finding.object + " at " + std::to_string(finding.offset) + ": " +
            finding.what + "\n";
  }
  for (const HurtSnapshot& hurt : report.hurt) {
    text += "snapshot " + hurt.id.Hex() + " of " + hurt.volume_name + " is hurt:\n" +
            HurtRangeLines(hurt.ranges);
  }
  text += "scrubbed " + Counted(report.packs_verified, "pack") + " with " +
          Counted(report.frames_verified, "frame") + " (" + HumanSize(report.bytes_verified) +
          "); ";
  text += report.complete ? "pass " + std::to_string(report.pass) + " is complete: "
                          : Counted(report.packs_left, "pack") + " of pass " +
                                std::to_string(report.pass) + " left: ";
  if (report.clean()) return text + "all is well\n";
  return text + Counted(report.findings.size(), "finding") + ", " +
         Counted(report.hurt.size(), "snapshot") + " hurt; varve repair heals\n";
}

JsonValue ReportJson(const ScrubReport& report) {
  JsonValue::Array findings;
  for (const ScrubFinding& finding : report.findings) {
    findings.emplace_back(JsonValue::Object{
        {"object", finding.object}, {"offset", finding.offset}, {"what", finding.what}});
  }
  JsonValue::Array hurt;
  for (const HurtSnapshot& snapshot : report.hurt) {
    hurt.emplace_back(JsonValue::Object{{"snapshotId", snapshot.id.Hex()},
                                        {"volume", snapshot.volume_name},
                                        {"ranges", HurtRangesJson(snapshot.ranges)}});
  }
  return JsonValue::Object{{"clean", report.clean()},
                           {"findings", std::move(findings)},
                           {"hurtSnapshots", std::move(hurt)},
                           {"notes", JsonValue::Array(report.notes.begin(), report.notes.end())},
                           {"pass", report.pass},
                           {"resumed", report.resumed},
                           {"complete", report.complete},
                           {"packs", report.packs_total},
                           {"packsVerified", report.packs_verified},
                           {"packsLeft", report.packs_left},
                           {"framesVerified", report.frames_verified},
                           {"framesUnproved", report.frames_unproved},
                           {"bytesVerified", report.bytes_verified}};
}

Result<ExitCode> Run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  ScrubOptions options;
  if (arguments.Has("stored")) options.depth = ScrubDepth::kStored;
  options.restart = arguments.Has("restart");
  if (const auto text = arguments.Find("rate")) {
    VARVE_ASSIGN_OR_RETURN(options.bytes_per_second, ParseSize("rate", *text));
  }
  if (const auto text = arguments.Find("max-bytes")) {
    VARVE_ASSIGN_OR_RETURN(options.bytes_max, ParseSize("number of bytes", *text));
  }
  VARVE_ASSIGN_OR_RETURN(const ScrubReport report,
                         invocation.engine->Scrub(options, invocation.progress));
  if (invocation.console.json()) {
    invocation.console.PrintJson(ReportJson(report));
  } else {
    invocation.console.Print(ReportText(report));
  }
  return report.clean() ? ExitCode::kOk : ExitCode::kDamaged;
}

}  // namespace

extern const Verb kScrubVerb{
    .name = "scrub",
    .purpose = "Look for damage, first where nobody looked for longest; go on where it stopped",
    .opening = Opening::kRead,
    .shows_progress = true,
    .options = {{"rate", "SIZE", "read at most so much a second: 20M"},
                {"max-bytes", "SIZE", "stop after about so much; the next scrub goes on there"},
                {"stored", "", "only checksums of what is stored; otherwise every id is proved"},
                {"restart", "", "begin a new pass"}},
    .details =
        "Runs beside backups, restores and mounts. Damage is remembered: nothing new relies\n"
        "on a damaged chunk from then on, and the next snapshot of its volume stores it again.\n"
        "Exit code 8 as long as there is damage that is not repaired.\n",
    .run = Run};

}  // namespace varve::cli
