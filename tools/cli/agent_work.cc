#include "agent_work.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "agent_records.h"
#include "base/clock.h"
#include "human_units.h"
#include "interrupt.h"

namespace varve::cli {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr int64_t kSilenceNsMax = 30'000'000'000;    // of an agent that restarts
constexpr int64_t kProgressLineNs = 30'000'000'000;  // between lines where there is no terminal

bool HasEnded(const JsonValue& record) {
  static const std::array<std::string, 4> terminal = {"completed", "aborted", "failed",
                                                      "not-supported"};
  return std::find(terminal.begin(), terminal.end(), record.TextAt("status")) != terminal.end();
}

std::string ProgressText(const AgentWork& work, const JsonValue& record) {
  std::string text = work.name + ": " + record.TextAt("status");
  const std::string phase = record.TextAt("progress.phase");
  if (!phase.empty()) text += ", " + phase;
  const auto total = record.NumberAt("progress.bytesTotal");
  if (!total || *total == 0) return text;
  text += "  " + std::to_string(static_cast<int>(record.NumberAt("progress.percent").value_or(0))) +
          " %  " + SizeAt(record, "progress.bytesDone") + " of " +
          SizeAt(record, "progress.bytesTotal") + "  " + SizeAt(record, "progress.bytesPerSecond") +
          "/s";
  const auto left = record.NumberAt("progress.secondsRemaining");
  return left ? text + "  " + HumanDuration(*left) + " left" : text;
}

// Says how the work is, where it changed or is due.
class WorkTeller {
 public:
  WorkTeller(Console& console, const AgentWork& work) : console_(console), work_(work) {}
  ~WorkTeller() { console_.ShowProgress(""); }

  void Tell(const JsonValue& record) {
    const std::string text = ProgressText(work_, record);
    if (console_.json()) {
      if (text != told_) console_.PrintJson(StatusLine(record));
      told_ = text;
    } else if (isatty(STDERR_FILENO) == 1) {
      console_.ShowProgress(text);
    } else if (const int64_t now = Clock::System().NowMonotonicNs();
               now - told_at_ns_ >= kProgressLineNs) {
      console_.Note(text);
      told_at_ns_ = now;
    }
  }

 private:
  static JsonValue StatusLine(const JsonValue& record) {
    const JsonValue* progress = record.Find("progress");
    return JsonValue::Object{{"message_type", "status"},
                             {"id", record.TextAt("id")},
                             {"status", record.TextAt("status")},
                             {"progress", progress == nullptr ? JsonValue() : *progress}};
  }

  Console& console_;
  const AgentWork& work_;
  std::string told_;
  int64_t told_at_ns_ = Clock::System().NowMonotonicNs();
};

JsonValue Summary(const JsonValue& record) {
  JsonValue::Object summary{{"message_type", "summary"}};
  if (const auto* members = std::get_if<JsonValue::Object>(&record.variant())) {
    summary.insert(summary.end(), members->begin(), members->end());
  }
  return summary;
}

}  // namespace

Result<JsonValue> AwaitAgentWork(Invocation& invocation, const AgentWork& work) {
  WorkTeller teller(invocation.console, work);
  int64_t heard_ns = Clock::System().NowMonotonicNs();
  for (bool is_silent = false; !invocation.progress.cancelled;) {
    const Result<JsonValue> record = work.look();
    if (record.ok()) {
      heard_ns = Clock::System().NowMonotonicNs();
      is_silent = false;
      if (HasEnded(*record)) return *record;
      teller.Tell(*record);
    } else if (record.status().error_number() != kAgentUnreachable ||
               Clock::System().NowMonotonicNs() - heard_ns > kSilenceNsMax) {
      return record.status().WithContext("while waiting for " + work.name);
    } else if (!is_silent) {
      is_silent = true;
      invocation.console.Note("the agent does not answer; " + work.name + " survives a restart");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return Cancelled("detached: " + work.name + " goes on without you; `" + work.look_cli +
                   "` tells how it is");
}

Status OutcomeOf(const AgentWork& work, const JsonValue& record) {
  const std::string status = record.TextAt("status");
  if (status == "completed") return {};
  const std::string error = record.TextAt("error");
  const std::string text = work.name + ": " + status + (error.empty() ? "" : ": " + error);
  if (status == "aborted") return Cancelled(text);
  return {status == "not-supported" ? Code::kUnsupported : Code::kIo, text};
}

Result<ExitCode> FinishOrLeave(Invocation& invocation, const AgentWork& work,
                               const JsonValue& accepted,
                               const std::function<std::string(const JsonValue&)>& done_text) {
  Console& console = invocation.console;
  if (!invocation.arguments.Has("wait")) {
    if (console.json()) {
      console.PrintJson(accepted);
    } else {
      console.Print(work.name + " is accepted; `" + work.look_cli + "` tells how it is\n");
    }
    return ExitCode::kOk;
  }
  VARVE_ASSIGN_OR_RETURN(const JsonValue record, AwaitAgentWork(invocation, work));
  if (console.json()) console.PrintJson(Summary(record));
  VARVE_RETURN_IF_ERROR(OutcomeOf(work, record));
  if (!console.json()) console.Print(done_text(record));
  return ExitCode::kOk;
}

Result<ExitCode> FinishOrLeaveRestore(Invocation& invocation, const JsonValue& accepted) {
  const std::string id = accepted.TextAt("restoreId");
  const std::string addon = accepted.TextAt("addonId");
  const AgentWork work{"restore " + id, "varve backup restores " + addon, [&, id, addon] {
                         return invocation.agent->Get(AgentPath({"addons", addon, "restores", id}));
                       }};
  return FinishOrLeave(invocation, work, accepted, [&](const JsonValue& record) {
    const std::string safety = record.TextAt("safetyBackupId");
    return "restore " + id + " of " + addon + " is completed: " + SizeAt(record, "bytesWritten") +
           " of " + SizeAt(record, "bytesTotal") + " written\n" +
           (safety.empty() ? "" : "what was there before is backup " + safety + "\n");
  });
}

Result<ExitCode> FinishOrLeaveJob(Invocation& invocation, const JsonValue& accepted,
                                  const std::string& done_text) {
  const std::string id = accepted.TextAt("id");
  const AgentWork work{accepted.TextAt("kind") + " " + id, "varve jobs", [&, id] {
                         return invocation.agent->Get(AgentPath({"jobs", id}));
                       }};
  return FinishOrLeave(invocation, work, accepted,
                       [&](const JsonValue&) { return done_text + "\n"; });
}

OptionSpec WaitOption() {
  return {"wait", "", "until it has ended, with progress; Ctrl-C leaves it to the agent"};
}

}  // namespace varve::cli
