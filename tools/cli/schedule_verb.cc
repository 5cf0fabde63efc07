// `varve schedule …`: when an addon is backed up by itself, and how long that stays.
#include <sstream>

#include "agent_records.h"
#include "human_units.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string SchedulesPath(const Arguments& arguments) {
  return AgentPath({"addons", arguments.Get("ADDON"), "backup-schedules"});
}

std::string SchedulePath(const Arguments& arguments) {
  return AgentPath(
      {"addons", arguments.Get("ADDON"), "backup-schedules", arguments.Get("SCHEDULE")});
}

// "0,20,40" or "0" as a list.
Result<JsonValue::Array> ParseList(const std::string& option, const std::string& text,
                                   int64_t most) {
  JsonValue::Array numbers;
  std::istringstream words(text + ",");
  for (std::string word; std::getline(words, word, ',');) {
    VARVE_ASSIGN_OR_RETURN(const int64_t number, ParseNumber(option, word, 0, most));
    numbers.emplace_back(number);
  }
  return numbers;
}

Result<JsonValue> ScheduleRequest(const Arguments& arguments) {
  for (const char* needed : {"interval", "minute", "retention"}) {
    if (!arguments.Has(needed)) return InvalidArgument(std::string("--") + needed + " is missing");
  }
  JsonValue::Object scheduling{{"interval", arguments.Get("interval")}};
  const std::pair<const char*, int64_t> lists[] = {{"minute", 59}, {"hour", 23}, {"day", 6}};
  for (const auto& [name, most] : lists) {
    if (!arguments.Has(name)) continue;
    VARVE_ASSIGN_OR_RETURN(JsonValue::Array numbers,
                           ParseList(std::string("--") + name, arguments.Get(name), most));
    scheduling.emplace_back(name, std::move(numbers));
  }
  if (const auto zone = arguments.Find("zone")) scheduling.emplace_back("timeZone", *zone);
  VARVE_ASSIGN_OR_RETURN(const int64_t days,
                         ParseNumber("--retention", arguments.Get("retention"), 1, 120));
  JsonValue::Object request{{"backupType", arguments.FindOr("type", "snapshot")},
                            {"scheduling", std::move(scheduling)},
                            {"retentionTime", days}};
  if (const auto type = arguments.Find("compression")) {
    request.emplace_back("compressionType", *type);
  }
  return JsonValue(std::move(request));
}

void ShowOne(Invocation& invocation, const JsonValue& schedule, const std::string& said) {
  if (invocation.console.json()) {
    invocation.console.PrintJson(schedule);
  } else {
    invocation.console.Print(said + ScheduleTable({schedule}));
  }
}

Result<ExitCode> List(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(JsonValue::Array schedules,
                         invocation.agent->List(SchedulesPath(invocation.arguments)));
  if (invocation.console.json()) {
    invocation.console.PrintJson(std::move(schedules));
  } else {
    invocation.console.Print(ScheduleTable(schedules));
  }
  return ExitCode::kOk;
}

Result<ExitCode> Add(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue request, ScheduleRequest(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue schedule,
      invocation.agent->Send("POST", SchedulesPath(invocation.arguments), request));
  ShowOne(invocation, schedule, "");
  return ExitCode::kOk;
}

Result<ExitCode> SetRetention(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const int64_t days,
                         ParseNumber("DAYS", invocation.arguments.Get("DAYS"), 1, 120));
  VARVE_ASSIGN_OR_RETURN(const JsonValue schedule,
                         invocation.agent->Send("PATCH", SchedulePath(invocation.arguments),
                                                JsonValue::Object{{"retentionTime", days}}));
  ShowOne(invocation, schedule, "");
  return ExitCode::kOk;
}

Result<ExitCode> Remove(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue removal,
                         invocation.agent->Send("DELETE", SchedulePath(invocation.arguments)));
  if (invocation.console.json()) {
    invocation.console.PrintJson(removal);
  } else {
    invocation.console.Print("schedule " + invocation.arguments.Get("SCHEDULE") +
                             " is removed; its backups expire when they would have\n");
  }
  return ExitCode::kOk;
}

// Refused rules are an answer here; as an exit code they are what adding them would give.
Result<ExitCode> Preview(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const JsonValue request, ScheduleRequest(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(
      const JsonValue preview,
      invocation.agent->Send("POST", SchedulesPath(invocation.arguments) + "/preview", request));
  const bool is_accepted = preview.TextAt("accepted") == "true";
  if (invocation.console.json()) {
    invocation.console.PrintJson(preview);
  } else {
    std::string text = preview.TextAt("runsInRetention") + " backups before the first expires, " +
                       preview.TextAt("runsInRetentionMax") + " may be\n";
    if (!is_accepted) text += "it would be refused: " + preview.TextAt("refusal") + "\n";
    if (const JsonValue* runs = preview.Find("nextRuns")) {
      for (const JsonValue& run : runs->elements())
        text += "  " + TimeAt(JsonValue::Object{{"at", run}}, "at") + "\n";
    }
    invocation.console.Print(text);
  }
  return is_accepted ? ExitCode::kOk : ExitCode::kUsage;
}

std::vector<OptionSpec> RuleOptions() {
  return {{"interval", "INTERVAL", "hourly, daily or weekly; an addon may have one of each"},
          {"minute", "LIST", "minutes of the hour: 0 or 0,30"},
          {"hour", "LIST", "hours of the day, of daily and weekly ones"},
          {"day", "LIST", "days of the week, of weekly ones; 0 is Monday"},
          {"zone", "ZONE", "IANA name of the clock's zone; UTC if not given"},
          {"retention", "DAYS", "how long its backups stay: at most 7, 60 or 120 days"},
          {"type", "TYPE", "snapshot (the usual) or dump"},
          {"compression", "TYPE", "gz or zstd, of dumps"}};
}

const Verb kList{.name = "schedule list",
                 .purpose = "List an addon's schedules",
                 .opening = Opening::kAgent,
                 .positionals = {{"ADDON"}},
                 .run = List};
const Verb kAdd{.name = "schedule add",
                .purpose = "Have an addon backed up by the clock",
                .opening = Opening::kAgent,
                .positionals = {{"ADDON"}},
                .options = RuleOptions(),
                .run = Add};
const Verb kSetRetention{.name = "schedule set-retention",
                         .purpose = "Change how long a schedule's backups stay, past ones too",
                         .opening = Opening::kAgent,
                         .positionals = {{"ADDON"}, {"SCHEDULE"}, {"DAYS"}},
                         .run = SetRetention};
const Verb kRemove{.name = "schedule remove",
                   .purpose = "Remove a schedule; its backups stay as long as they would have",
                   .opening = Opening::kAgent,
                   .positionals = {{"ADDON"}, {"SCHEDULE"}},
                   .run = Remove};
const Verb kPreview{.name = "schedule preview",
                    .purpose = "Say when a schedule would run, and whether it would be accepted",
                    .opening = Opening::kAgent,
                    .positionals = {{"ADDON"}},
                    .options = RuleOptions(),
                    .run = Preview};

}  // namespace

extern const Verb kScheduleVerb{.name = "schedule",
                                .purpose = "Have addons backed up by the clock",
                                .opening = Opening::kAgent,
                                .actions = {&kList, &kAdd, &kSetRetention, &kRemove, &kPreview}};

}  // namespace varve::cli
