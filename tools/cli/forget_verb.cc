#include <algorithm>

#include "human_units.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kCountMax = 1'000'000;

// "36h", "7d", "4w": hours, days, weeks.
Result<int64_t> ParseSpan(const std::string& text) {
  const Status wrong =
      InvalidArgument("'" + text + "' is no span of time such as 36h, 7d, 4w or 1y");
  if (text.size() < 2) return wrong;
  const Result<int64_t> count =
      ParseNumber("keep-within", text.substr(0, text.size() - 1), 1, 10'000);
  if (!count.ok()) return wrong;
  switch (text.back()) {
    case 'h':
      return *count * 3600 * kSecondNs;
    case 'd':
      return *count * 86400 * kSecondNs;
    case 'w':
      return *count * 7 * 86400 * kSecondNs;
    case 'y':
      return std::min<int64_t>(*count, 250) * 366 * 86400 * kSecondNs;
    default:
      return wrong;
  }
}

Result<ForgetRequest> ParseRequest(const Arguments& arguments) {
  ForgetRequest request;
  request.selectors = arguments.All("SNAPSHOT");
  request.volume_name = arguments.FindOr("volume", "");
  request.force = arguments.Has("force");
  RetentionPolicy& policy = request.policy;
  const std::pair<const char*, uint32_t*> counts[] = {
      {"keep-last", &policy.last},       {"keep-hourly", &policy.hourly},
      {"keep-daily", &policy.daily},     {"keep-weekly", &policy.weekly},
      {"keep-monthly", &policy.monthly}, {"keep-yearly", &policy.yearly}};
  for (const auto& [name, count] : counts) {
    const auto text = arguments.Find(name);
    if (!text) continue;
    VARVE_ASSIGN_OR_RETURN(const int64_t number, ParseNumber(name, *text, 0, kCountMax));
    *count = static_cast<uint32_t>(number);
  }
  if (const auto text = arguments.Find("keep-within")) {
    VARVE_ASSIGN_OR_RETURN(policy.within_ns, ParseSpan(*text));
  }
  if (!request.selectors.empty() && (!policy.empty() || !request.volume_name.empty())) {
    return InvalidArgument("name snapshots, or say what to keep; not both");
  }
  return request;
}

void Show(const std::vector<RetentionDecision>& plan, bool dry_run, Console& console) {
  JsonValue::Array decisions;
  TextTable table({{"snapshot"}, {"volume"}, {"time"}, {""}, {"why"}});
  size_t deleted = 0;
  for (const RetentionDecision& decision : plan) {
    deleted += decision.keep ? 0 : 1;
    decisions.emplace_back(JsonValue::Object{{"snapshotId", decision.record.id.Hex()},
                                             {"volume", decision.record.volume_name},
                                             {"keep", decision.keep},
                                             {"reason", decision.reason}});
    table.Add({decision.record.id.Short(), decision.record.volume_name,
               HumanTime(decision.record.end_unix_ns), decision.keep ? "keep" : "delete",
               decision.reason});
  }
  if (console.json()) {
    console.PrintJson(JsonValue::Object{{"message_type", "summary"},
                                        {"dryRun", dry_run},
                                        {"deleted", deleted},
                                        {"snapshots", std::move(decisions)}});
    return;
  }
  if (!plan.empty()) console.Print(table.Text());
  console.Print(
      Counted(deleted, "snapshot") +
      (dry_run ? " would be deleted\n"
               : " deleted" + std::string(deleted > 0 ? "; gc gives the space back\n" : "\n")));
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const ForgetRequest request, ParseRequest(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(const std::vector<RetentionDecision> plan,
                         invocation.engine->PlanForget(request));
  const bool dry_run = invocation.arguments.Has("dry-run");
  if (!dry_run) VARVE_RETURN_IF_ERROR(invocation.engine->Forget(plan));
  Show(plan, dry_run, invocation.console);
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kForgetVerb{
    .name = "forget",
    .purpose = "Delete snapshots, by name or by what to keep of each volume",
    .opening = Opening::kMaintain,
    .positionals = {{"SNAPSHOT", Count::kAny}},
    .options = {{"keep-last", "N", "keep the newest N of each volume"},
                {"keep-hourly", "N", "the newest of each of the latest N hours that have one"},
                {"keep-daily", "N", "the same by days, in UTC"},
                {"keep-weekly", "N", "by ISO weeks"},
                {"keep-monthly", "N", "by months"},
                {"keep-yearly", "N", "by years"},
                {"keep-within", "SPAN", "all within 36h, 7d, 4w, 1y of the volume's newest"},
                {"volume", "NAME", "only snapshots of this volume"},
                {"dry-run", "", "say what would be deleted and why, and delete nothing", false,
                 'n'},
                {"force", "", "more than half of all snapshots, or with clocks that went wrong"}},
    .details =
        "What any of the rules keeps is kept; without a rule everything is. Held snapshots\n"
        "stay. A deleted snapshot is gone from every list at once; `varve gc` gives its space\n"
        "back when nobody needs it any more.\n",
    .run = Run};

}  // namespace varve::cli
