#include <array>
#include <cstdio>

#include "human_units.h"
#include "text_table.h"
#include "verb.h"

namespace varve::cli {
namespace {

std::string Ratio(uint64_t whole, uint64_t part) {
  if (part == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f",
                static_cast<double>(whole) / static_cast<double>(part));
  return text.data();
}

JsonValue TotalsJson(const RepositoryTotals& totals) {
  return JsonValue::Object{{"snapshots", totals.snapshots},
                           {"volumes", totals.volumes},
                           {"packs", totals.packs},
                           {"bytesLogical", totals.bytes_logical},
                           {"bytesStored", totals.bytes_stored},
                           {"bytesIndex", totals.bytes_index},
                           {"chunks", totals.chunks},
                           {"chunkDeltas", totals.chunk_deltas},
                           {"nodes", totals.nodes},
                           {"chunkRawBytes", totals.chunk_raw_bytes},
                           {"chunkStoredBytes", totals.chunk_stored_bytes}};
}

std::string TotalsText(const RepositoryTotals& totals) {
  return FactLines({
      {"snapshots", Counted(totals.snapshots, "snapshot") + " of " +
                        Counted(totals.volumes, "volume") + ", together " +
                        HumanSize(totals.bytes_logical)},
      {"stored", HumanSize(totals.bytes_stored) + " in " + Counted(totals.packs, "pack") +
                     "; 1 byte for " + Ratio(totals.bytes_logical, totals.bytes_stored) +
                     " of the volumes"},
      {"chunks", std::to_string(totals.chunks) + ", " + std::to_string(totals.chunk_deltas) +
                     " of them deltas: " + HumanSize(totals.chunk_raw_bytes) + " in " +
                     HumanSize(totals.chunk_stored_bytes)},
      {"nodes", std::to_string(totals.nodes)},
      {"index", HumanSize(totals.bytes_index) + ", can be rebuilt"},
  });
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const RepositoryTotals totals, invocation.engine->Totals());
  if (invocation.console.json()) {
    invocation.console.PrintJson(TotalsJson(totals));
  } else {
    invocation.console.Print(TotalsText(totals));
  }
  return ExitCode::kOk;
}

}  // namespace

extern const Verb kStatsVerb{.name = "stats",
                             .purpose = "Say what the repository holds and what it takes",
                             .opening = Opening::kRead,
                             .run = Run};

}  // namespace varve::cli
