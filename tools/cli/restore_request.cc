#include "restore_request.h"

#include "base/clock.h"
#include "human_units.h"

namespace varve::cli {
namespace {

Result<RestoreRequest> ParseRequest(const Arguments& arguments) {
  RestoreRequest request;
  request.target = arguments.Get("TARGET");
  if (arguments.Has("in-place") && arguments.Has("force")) {
    return InvalidArgument("--in-place keeps the target, --force replaces it: give one of them");
  }
  if (arguments.Has("in-place")) request.mode = TargetMode::kInPlace;
  if (arguments.Has("force")) request.mode = TargetMode::kReplace;
  return request;
}

std::string Summary(const SnapshotRecord& record, const std::string& target,
                    const RestoreOutcome& outcome, double seconds) {
  const RestoreReport& report = outcome.report;
  std::string text = std::string(outcome.resumed ? "finished restoring" : "restored") +
                     " snapshot " + record.id.Short() + " of " + record.volume_name + " to " +
                     target + ": " + HumanSize(report.bytes_total) + " in " +
                     HumanDuration(seconds) + "\n  wrote " + HumanSize(report.bytes_written);
  if (report.bytes_zeroed > 0) text += ", zeroed " + HumanSize(report.bytes_zeroed);
  if (report.bytes_compared > 0) text += ", compared " + HumanSize(report.bytes_compared);
  return text + ", read " + HumanSize(report.bytes_read) + " of the repository\n";
}

}  // namespace

Result<ExitCode> RestoreWhole(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const RestoreRequest request, ParseRequest(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record,
                         invocation.engine->Find(invocation.arguments.Get("SNAPSHOT")));
  const int64_t begin_ns = Clock::System().NowMonotonicNs();
  VARVE_ASSIGN_OR_RETURN(const RestoreOutcome outcome,
                         invocation.engine->Restore(record, request, invocation.progress));
  const double seconds = static_cast<double>(Clock::System().NowMonotonicNs() - begin_ns) / 1e9;
  if (invocation.console.json()) {
    const RestoreReport& report = outcome.report;
    invocation.console.PrintJson(JsonValue::Object{{"message_type", "summary"},
                                                   {"snapshotId", record.id.Hex()},
                                                   {"target", request.target},
                                                   {"bytesTotal", report.bytes_total},
                                                   {"bytesRead", report.bytes_read},
                                                   {"bytesCompared", report.bytes_compared},
                                                   {"bytesWritten", report.bytes_written},
                                                   {"bytesZeroed", report.bytes_zeroed},
                                                   {"resumed", outcome.resumed},
                                                   {"seconds", seconds}});
  } else {
    invocation.console.Print(Summary(record, request.target, outcome, seconds));
  }
  return ExitCode::kOk;
}

}  // namespace varve::cli
