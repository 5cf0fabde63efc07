#include "snapshot_facts.h"

#include "base/clock.h"
#include "human_units.h"
#include "text_table.h"

namespace varve::cli {
namespace {

double SecondsOf(const SnapshotRecord& record) {
  return static_cast<double>(record.end_unix_ns - record.start_unix_ns) / 1e9;
}

JsonValue IdOrNull(const std::optional<SnapshotId>& id) {
  return id ? JsonValue(id->Hex()) : JsonValue();
}

}  // namespace

JsonValue::Object SnapshotJson(const SnapshotRecord& record) {
  JsonValue::Object tags;
  for (const auto& [key, value] : record.tags)
    tags.emplace_back(key, value);
  const SnapshotStatistics& statistics = record.statistics;
  return {
      {"snapshotId", record.id.Hex()},
      {"parentId", IdOrNull(record.parent)},
      {"volume", record.volume_name},
      {"volumeIdentity", record.volume_identity},
      {"sequence", record.sequence},
      {"predecessorId", IdOrNull(record.predecessor)},
      {"root", record.root.Hex()},
      {"started", FormatUtc(record.start_unix_ns)},
      {"finished", FormatUtc(record.end_unix_ns)},
      {"chunkSize", record.chunk_size_bytes},
      {"bytesTotal", record.size_bytes},
      {"bytesRead", statistics.bytes_read},
      {"bytesChanged", statistics.bytes_changed},
      {"bytesStored", statistics.bytes_stored},
      {"bytesMetadata", statistics.bytes_metadata},
      {"chunksTotal", statistics.chunks_total},
      {"chunksChanged", statistics.chunks_changed},
      {"chunksNew", statistics.chunks_new},
      {"chunksDelta", statistics.chunks_delta},
      {"chunksDeduplicated", statistics.chunks_deduplicated},
      {"changeSource", record.change_source},
      {"fallbackReason", record.fallback_reason ? JsonValue(*record.fallback_reason) : JsonValue()},
      {"capture", record.capture},
      {"consistency", std::string(ConsistencyName(record.consistency))},
      {"seconds", SecondsOf(record)},
      {"tags", std::move(tags)},
  };
}

std::vector<std::pair<std::string, std::string>> SnapshotFacts(const SnapshotRecord& record) {
  const SnapshotStatistics& statistics = record.statistics;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"snapshot", record.id.Hex()},
      {"volume", record.volume_name + " (" + record.volume_identity + ")"},
      {"taken", HumanTime(record.start_unix_ns) + " UTC, in " + HumanDuration(SecondsOf(record))},
      {"sequence", std::to_string(record.sequence)},
      {"parent", record.parent ? record.parent->Hex() : "none"},
      {"size", HumanSize(record.size_bytes) + " in " + Counted(statistics.chunks_total, "chunk") +
                   " of " + HumanSize(record.chunk_size_bytes)},
      {"read", HumanSize(statistics.bytes_read)},
      {"changed", HumanSize(statistics.bytes_changed) + " in " +
                      Counted(statistics.chunks_changed, "chunk") + " (" +
                      std::to_string(statistics.chunks_new) + " stored, " +
                      std::to_string(statistics.chunks_delta) + " of them as deltas, " +
                      std::to_string(statistics.chunks_deduplicated) + " known)"},
      {"stored", HumanSize(statistics.bytes_stored) + ", of which " +
                     HumanSize(statistics.bytes_metadata) + " metadata"},
      {"consistency", std::string(ConsistencyName(record.consistency)) + ", capture " +
                          record.capture + ", changes by " + record.change_source},
      {"root", record.root.Hex()},
  };
  if (record.fallback_reason) facts.emplace_back("fell back", *record.fallback_reason);
  if (!record.tags.empty()) facts.emplace_back("tags", TagText(record));
  return facts;
}

std::string TagText(const SnapshotRecord& record) {
  std::string text;
  for (const auto& [key, value] : record.tags) {
    if (!text.empty()) text += " ";
    text += key + "=" + value;
  }
  return text;
}

std::string SnapshotTable(const std::vector<SnapshotRecord>& records) {
  using Align = TextTable::Align;
  TextTable table({{"SNAPSHOT"},
                   {"VOLUME"},
                   {"TAKEN (UTC)"},
                   {"SIZE", Align::kRight},
                   {"CHANGED", Align::kRight},
                   {"STORED", Align::kRight},
                   {"CONSISTENCY"},
                   {"TAGS"}});
  for (const SnapshotRecord& record : records) {
    table.Add({record.id.Short(), record.volume_name, HumanTime(record.start_unix_ns),
               HumanSize(record.size_bytes), HumanSize(record.statistics.bytes_changed),
               HumanSize(record.statistics.bytes_stored),
               std::string(ConsistencyName(record.consistency)), TagText(record)});
  }
  return table.Text();
}

}  // namespace varve::cli
