#include "snapshot_run.h"
#include "verb.h"
#include "volume/change_map_file.h"

namespace varve::cli {
namespace {

// What the map file says, or why it says nothing: then the whole volume is scanned, loudly.
void ReadChanges(const std::string& path, SnapshotOptions* options) {
  Result<ChangeClaim> claim = ReadChangeMap(path);
  if (claim.ok()) {
    options->changes = *std::move(claim);
  } else {
    options->changes_refused = claim.status().message();
  }
}

Result<ExitCode> Run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  VARVE_ASSIGN_OR_RETURN(SnapshotOptions options, ParseSnapshotOptions(arguments));
  if (const auto map = arguments.Find("changed-extents")) ReadChanges(*map, &options);
  VARVE_ASSIGN_OR_RETURN(
      const SnapshotReport report,
      invocation.engine->Snapshot(arguments.Get("VOLUME"), options, invocation.progress));
  return ShowSnapshotReport(report, invocation.console);
}

}  // namespace

extern const Verb kSnapshotVerb{
    .name = "snapshot",
    .purpose = "Take a snapshot of a volume: a raw image file or a block device",
    .opening = Opening::kWrite,
    .shows_progress = true,
    .positionals = {{"VOLUME"}},
    .options = {{"volume", "NAME", "what the repository calls the volume; else its file's name"},
                {"tag", "KEY=VALUE", "kept with the snapshot", true},
                {"level", "N", "zstd level, -5 to 19; 1 unless given"},
                {"changed-extents", "FILE", "a map of what may have changed: read only that"},
                {"audit", "", "compare unchanged chunks by their full ids"},
                {"consistency", "CLASS", "application, filesystem, crash (unless given) or fuzzy"}},
    .details =
        "Only what changed since the volume's latest snapshot is stored. A volume that is\n"
        "mounted for writing is refused, unless you say with --consistency that it is "
        "frozen\n(filesystem, application) or accept that it changes meanwhile (fuzzy).\n"
        "Interrupted, it leaves nothing visible, and the next run uses what is stored.\n",
    .run = Run};

}  // namespace varve::cli
