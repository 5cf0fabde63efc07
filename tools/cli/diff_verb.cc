#include "human_units.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

JsonValue DiffJson(const SnapshotRecord& a, const SnapshotRecord& b,
                   const std::vector<VolumeExtent>& extents, uint64_t bytes) {
  JsonValue::Array list;
  for (const VolumeExtent& extent : extents) {
    list.emplace_back(
        JsonValue::Object{{"offset", extent.begin}, {"length", extent.end - extent.begin}});
  }
  return JsonValue::Object{{"from", a.id.Hex()},
                           {"to", b.id.Hex()},
                           {"bytesChanged", bytes},
                           {"extents", std::move(list)}};
}

std::string DiffText(const std::vector<VolumeExtent>& extents, uint64_t bytes) {
  if (extents.empty()) return "nothing differs\n";
  TextTable table({{"OFFSET", TextTable::Align::kRight}, {"LENGTH", TextTable::Align::kRight}});
  for (const VolumeExtent& extent : extents) {
    table.Add({std::to_string(extent.begin), std::to_string(extent.end - extent.begin)});
  }
  return table.Text() + HumanSize(bytes) + " differ in " + Counted(extents.size(), "extent") + "\n";
}

Result<ExitCode> Run(Invocation& invocation) {
  Engine& engine = *invocation.engine;
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord a, engine.Find(invocation.arguments.Get("A")));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord b, engine.Find(invocation.arguments.Get("B")));
  VARVE_ASSIGN_OR_RETURN(const std::vector<VolumeExtent> extents, engine.Diff(a, b));
  uint64_t bytes = 0;
  for (const VolumeExtent& extent : extents)
    bytes += extent.end - extent.begin;
  if (invocation.console.json()) {
    invocation.console.PrintJson(DiffJson(a, b, extents, bytes));
  } else {
    invocation.console.Print(DiffText(extents, bytes));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kDiffVerb{
    .name = "diff",
    .purpose = "List the byte ranges in which two snapshots differ",
    .opening = Opening::kRead,
    .positionals = {{"A"}, {"B"}},
    .details =
        "A and B are snapshots: an id, a unique beginning of one, latest, or "
        "VOLUME@latest.\nRanges are whole chunks; reading them costs only what differs.\n",
    .run = Run};

}  // namespace varve::cli
