#include "human_units.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<GcOptions> ParseOptions(const Arguments& arguments) {
  GcOptions options;
  if (const auto text = arguments.Find("max-rewrite")) {
    VARVE_ASSIGN_OR_RETURN(options.rewrite_bytes_max, ParseSize("max-rewrite", *text));
  }
  if (const auto text = arguments.Find("rate")) {
    VARVE_ASSIGN_OR_RETURN(options.rate_bytes_per_second, ParseSize("rate", *text));
  }
  options.force = arguments.Has("force");
  return options;
}

JsonValue::Object PlanJson(const GcPlan& plan) {
  JsonValue::Array waiting(plan.waiting_for.begin(), plan.waiting_for.end());
  return {{"snapshots", plan.snapshots},
          {"packs", plan.packs},
          {"packsUnreadable", plan.packs_unreadable},
          {"bytesTotal", plan.bytes_total},
          {"bytesAlive", plan.bytes_alive},
          {"references", plan.references},
          {"packsToUnlink", plan.unlink.size()},
          {"bytesToUnlink", plan.UnlinkBytes()},
          {"packsToTakeBack", plan.take_back.size()},
          {"packsToCondemn", plan.condemn.size()},
          {"bytesToCondemn", plan.CondemnBytes()},
          {"packsToRewrite", plan.rewrite.size()},
          {"bytesToRewrite", plan.RewriteBytes()},
          {"bytesFreedByRewriting", plan.RewriteFreesBytes()},
          {"bytesWaiting", plan.waiting_bytes},
          {"sessionsAtWork", std::move(waiting)},
          {"snapshotsToRemove", plan.deleted.size()},
          {"bytesFreed", plan.FreesBytes()}};
}

std::string Packs(size_t count, uint64_t bytes) {
  return Counted(count, "pack") + ", " + HumanSize(bytes);
}

std::string PlanText(const GcPlan& plan) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"in use", HumanSize(plan.bytes_alive) + " of " + HumanSize(plan.bytes_total) + " in " +
                     Counted(plan.packs, "pack") + ", for " + Counted(plan.snapshots, "snapshot")},
      {"unlink", Packs(plan.unlink.size(), plan.UnlinkBytes())},
      {"condemn", Packs(plan.condemn.size(), plan.CondemnBytes())},
      {"rewrite", Packs(plan.rewrite.size(), plan.RewriteBytes()) + " alive, frees " +
                      HumanSize(plan.RewriteFreesBytes())}};
  if (!plan.take_back.empty()) {
    facts.emplace_back("take back", Counted(plan.take_back.size(), "pack"));
  }
  if (plan.packs_unreadable > 0) {
    facts.emplace_back("kept unread", Counted(plan.packs_unreadable, "damaged pack"));
  }
  if (plan.waiting_bytes > 0) facts.emplace_back("waiting", HumanSize(plan.waiting_bytes));
  for (const std::string& purpose : plan.waiting_for)
    facts.emplace_back("at work", purpose);
  return FactLines(facts);
}

JsonValue ReportJson(const GcPlan& plan, const GcReport& report) {
  JsonValue::Array waiting(report.waiting_for.begin(), report.waiting_for.end());
  return JsonValue::Object{{"message_type", "summary"},
                           {"dryRun", false},
                           {"plan", PlanJson(plan)},
                           {"packsUnlinked", report.packs_unlinked},
                           {"bytesUnlinked", report.bytes_unlinked},
                           {"packsCondemned", report.packs_condemned},
                           {"bytesCondemned", report.bytes_condemned},
                           {"packsWritten", report.packs_written},
                           {"bytesWritten", report.bytes_written},
                           {"packsTakenBack", report.packs_taken_back},
                           {"snapshotsRemoved", report.snapshots_removed},
                           {"waitingFor", std::move(waiting)}};
}

std::string ReportText(const GcReport& report) {
  std::string text = "freed " + HumanSize(report.bytes_unlinked) + " in " +
                     Counted(report.packs_unlinked, "pack") + ", wrote " +
                     HumanSize(report.bytes_written) + " anew\n";
  if (!report.waiting_for.empty()) {
    text += HumanSize(report.bytes_condemned) +
            " more will be freed by the next gc after these have ended:\n";
    for (const std::string& purpose : report.waiting_for)
      text += "  " + purpose + "\n";
  }
  return text;
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const GcOptions options, ParseOptions(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(const auto gc, Collection::Begin(invocation.engine->repository(), options,
                                                          invocation.progress));
  VARVE_ASSIGN_OR_RETURN(const GcPlan plan, gc->Plan());
  Console& console = invocation.console;
  if (invocation.arguments.Has("dry-run")) {
    if (const Status brake = CheckGcBrake(plan, options); !brake.ok()) {
      console.Note(brake.message());
    }
    if (console.json()) {
      console.PrintJson(JsonValue::Object{
          {"message_type", "summary"}, {"dryRun", true}, {"plan", PlanJson(plan)}});
    } else {
      console.Print(PlanText(plan));
    }
    return ExitCode::kOk;
  }
  if (!console.json()) console.Print(PlanText(plan));
  VARVE_ASSIGN_OR_RETURN(const GcReport report, gc->Execute());
  if (console.json()) {
    console.PrintJson(ReportJson(plan, report));
  } else {
    console.Print(ReportText(report));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kGcVerb{
    .name = "gc",
    .purpose = "Give back the space of deleted snapshots",
    .opening = Opening::kMaintain,
    .shows_progress = true,
    .options = {{"dry-run", "", "show the plan and do nothing", false, 'n'},
                {"max-rewrite", "SIZE", "write at most so much anew from partly used packs"},
                {"rate", "SIZE", "read and write at most so much per second"},
                {"force", "", "even if more than 30 % of all bytes are removed"}},
    .details =
        "Snapshots, restores, mounts and verifies go on meanwhile. Packs that nothing needs\n"
        "are condemned first, and unlinked when every snapshot that was being taken then has\n"
        "ended and nothing has come to need them. Interrupted, it loses nothing; the next run\n"
        "goes on.\n",
    .run = Run};

}  // namespace varve::cli
