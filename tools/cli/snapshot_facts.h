// A snapshot's record as verbs show it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "format/snapshot_record.h"
#include "json_value.h"

namespace varve::cli {

// The same names wherever varve prints a snapshot as JSON.
JsonValue::Object SnapshotJson(const SnapshotRecord& record);
std::vector<std::pair<std::string, std::string>> SnapshotFacts(const SnapshotRecord& record);
// "k=v k2=v2".
std::string TagText(const SnapshotRecord& record);
// One line per snapshot.
std::string SnapshotTable(const std::vector<SnapshotRecord>& records);

}  // namespace varve::cli
