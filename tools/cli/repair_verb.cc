#include "damage_text.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string ReportText(const RepairReport& report, bool execute) {
  std::string text;
  for (const CheckFinding& finding : report.findings) {
    const bool named = finding.what.find(finding.object) != std::string::npos;
    text += "damage: " + (named ? "" : finding.object + ": ") + finding.what + "\n";
  }
  for (const std::string& action : report.actions) {
    text += (execute ? "done: " : "would: ") + action + "\n";
  }
  for (const std::string& object : report.lost_objects)
    text += "lost: " + object + "\n";
  for (const HurtSnapshot& hurt : report.lost) {
    text += "lost of snapshot " + hurt.id.Hex() + " of " + hurt.volume_name + ":\n" +
            HurtRangeLines(hurt.ranges);
  }
  if (report.clean() && report.actions.empty()) return text + "all is well; nothing to repair\n";
  text += std::to_string(report.frames_healed) + " chunks and nodes " +
          (execute ? "brought back, " : "could be brought back, ") +
          Counted(report.frames_moved, "whole frame") + " moved, " +
          Counted(report.objects_quarantined, "object") + " quarantined";
  if (execute) text += ", " + HumanSize(report.bytes_written) + " written";
  text += report.healed() ? ": nothing is lost\n" : ": SOME OF IT IS LOST\n";
  if (!execute) text += "nothing was changed; --execute does it\n";
  return text;
}

JsonValue ReportJson(const RepairReport& report, bool execute) {
  JsonValue::Array findings;
  for (const CheckFinding& finding : report.findings) {
    findings.emplace_back(JsonValue::Object{{"object", finding.object}, {"what", finding.what}});
  }
  JsonValue::Array lost;
  for (const HurtSnapshot& snapshot : report.lost) {
    lost.emplace_back(JsonValue::Object{{"snapshotId", snapshot.id.Hex()},
                                        {"volume", snapshot.volume_name},
                                        {"ranges", HurtRangesJson(snapshot.ranges)}});
  }
  JsonValue::Object sources;
  for (const auto& [source, count] : report.healed_by_source)
    sources.emplace_back(source, count);
  return JsonValue::Object{
      {"executed", execute},
      {"clean", report.clean()},
      {"healed", report.healed()},
      {"findings", std::move(findings)},
      {"actions", JsonValue::Array(report.actions.begin(), report.actions.end())},
      {"framesHealed", report.frames_healed},
      {"framesMoved", report.frames_moved},
      {"healedBySource", std::move(sources)},
      {"objectsQuarantined", report.objects_quarantined},
      {"bytesWritten", report.bytes_written},
      {"lostObjects", JsonValue::Array(report.lost_objects.begin(), report.lost_objects.end())},
      {"lostOfSnapshots", std::move(lost)}};
}

Result<ExitCode> Run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  RepairOptions options;
  options.execute = arguments.Has("execute");
  options.only_known = arguments.Has("known");
  options.prove_ids = arguments.Has("full");
  if (arguments.Has("volume-name") && !arguments.Has("volume")) {
    return InvalidArgument("--volume-name says what --volume is called: give both");
  }
  VARVE_ASSIGN_OR_RETURN(const RepairReport report,
                         invocation.engine->Repair(
                             options, arguments.FindOr("from", ""), arguments.FindOr("volume", ""),
                             arguments.FindOr("volume-name", ""), invocation.progress));
  if (invocation.console.json()) {
    invocation.console.PrintJson(ReportJson(report, options.execute));
  } else {
    invocation.console.Print(ReportText(report, options.execute));
  }
  if (!report.healed()) return ExitCode::kDamaged;
  return options.execute || report.clean() ? ExitCode::kOk : ExitCode::kDamaged;
}

}  // namespace

extern const Verb kRepairVerb{
    .name = "repair",
    .purpose = "Heal damage from other copies; says what it would do unless told to do it",
    .opening = Opening::kReadOrExecute,
    .shows_progress = true,
    .options = {{"execute", "", "do it; without this nothing is changed"},
                {"from", "REPO", "a second repository with copies of the snapshots (varve copy)"},
                {"volume", "PATH", "the live volume: what it still has is taken from it"},
                {"volume-name", "NAME", "what the repository calls that volume"},
                {"known", "", "look only at the packs that a scrub found damaged"},
                {"full", "", "decode every frame, not only check what is stored"}},
    .details =
        "Every byte that is taken from anywhere is proved by its id. What is healed goes into\n"
        "new objects; the damaged ones move to quarantine/ with a reason beside them. Nothing\n"
        "is deleted or overwritten, and a repository without damage is not touched.\n"
        "Exit code 8 if something stays lost (it is named exactly), or, without --execute, if\n"
        "there is damage at all.\n",
    .run = Run};

}  // namespace varve::cli
