#include "snapshot_run.h"

#include <sys/resource.h>

#include "human_units.h"
#include "snapshot_facts.h"

namespace varve::cli {
namespace {

constexpr Consistency kConsistencies[] = {Consistency::kApplication, Consistency::kFilesystem,
                                          Consistency::kCrash, Consistency::kFuzzy};

uint64_t PeakMemoryBytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

Result<Consistency> ParseConsistency(const std::string& text) {
  for (const Consistency consistency : kConsistencies) {
    if (text == ConsistencyName(consistency)) return consistency;
  }
  return InvalidArgument("consistency '" + text +
                         "' is none of application, filesystem, crash, fuzzy");
}

std::string Summary(const SnapshotReport& report) {
  const SnapshotRecord& record = report.record;
  const SnapshotStatistics& statistics = record.statistics;
  const double seconds = static_cast<double>(record.end_unix_ns - record.start_unix_ns) / 1e9;
  return "snapshot " + record.id.Hex() + " of " + record.volume_name +
         (record.parent ? " (parent " + record.parent->Short() + ")" : " (its first)") +
         "\n  read    " + HumanSize(statistics.bytes_read) + " of " + HumanSize(record.size_bytes) +
         " in " + HumanDuration(seconds) + "\n  changed " + HumanSize(statistics.bytes_changed) +
         " in " + Counted(statistics.chunks_changed, "chunk") + ": " +
         std::to_string(statistics.chunks_new) + " stored, " +
         std::to_string(statistics.chunks_delta) + " of them as deltas; " +
         std::to_string(statistics.chunks_deduplicated) + " known already" + "\n  stored  " +
         HumanSize(statistics.bytes_stored) + "\n";
}

JsonValue SummaryJson(const SnapshotReport& report) {
  JsonValue::Object object = {{"message_type", "summary"}};
  for (auto& member : SnapshotJson(report.record))
    object.push_back(std::move(member));
  object.emplace_back("audited", report.audited);
  object.emplace_back("auditMisses", report.audit_misses);
  object.emplace_back("basesUnreadable", report.bases_unreadable);
  object.emplace_back("chunksSampled", report.chunks_sampled);
  object.emplace_back("reader", report.reader);
  object.emplace_back("peakMemoryBytes", PeakMemoryBytes());
  return object;
}

}  // namespace

Result<SnapshotOptions> ParseSnapshotOptions(const Arguments& arguments) {
  SnapshotOptions options;
  options.volume_name = arguments.FindOr("volume", "");
  if (arguments.Has("volume") && options.volume_name.empty()) {
    return InvalidArgument("the volume's name is empty");
  }
  for (const std::string& tag : arguments.All("tag")) {
    const size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("tag '" + tag + "' is not of the form key=value");
    }
    options.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  if (const auto level = arguments.Find("level")) {
    VARVE_ASSIGN_OR_RETURN(
        const int64_t number,
        ParseNumber("compression level", *level, kCompressionLevelMin, kCompressionLevelMax));
    options.compression_level = static_cast<int>(number);
  }
  options.audit = arguments.Has("audit");
  VARVE_ASSIGN_OR_RETURN(options.consistency,
                         ParseConsistency(arguments.FindOr("consistency", "crash")));
  return options;
}

ExitCode ShowSnapshotReport(const SnapshotReport& report, Console& console) {
  if (report.audit_misses > 0) {
    console.Warn("the audit found " + Counted(report.audit_misses, "chunk") +
                 " that had changed while the fingerprint had not; stored as changed");
  }
  if (report.bases_unreadable > 0) {
    console.Warn(Counted(report.bases_unreadable, "older chunk") +
                 " could not be read to compute deltas, stored whole instead; run "
                 "varve check");
  }
  if (console.json()) {
    console.PrintJson(SummaryJson(report));
  } else {
    console.Print(Summary(report));
  }
  return ExitCode::kOk;
}

}  // namespace varve::cli
