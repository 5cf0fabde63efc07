#include "snapshot_run.h"
#include "verb.h"

namespace varve::cli {
namespace {

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const SnapshotOptions options, ParseSnapshotOptions(invocation.arguments));
  VARVE_ASSIGN_OR_RETURN(const SnapshotReport report,
                         invocation.engine->CommitOverlay(invocation.arguments.Get("OVERLAY"),
                                                          options, invocation.progress));
  return ShowSnapshotReport(report, invocation.console);
}

}  // namespace

extern const Verb kCommitOverlayVerb{
    .name = "commit-overlay",
    .purpose = "Make what was written over a mounted snapshot a snapshot of its own",
    .opening = Opening::kWrite,
    .shows_progress = true,
    .positionals = {{"OVERLAY"}},
    .options = {{"volume", "NAME", "of which volume it is a snapshot; else of the same"},
                {"tag", "KEY=VALUE", "kept with the snapshot", true},
                {"level", "N", "zstd level, -5 to 19; 1 unless given"},
                {"consistency", "CLASS", "application, filesystem, crash (unless given) or fuzzy"}},
    .details =
        "OVERLAY is the directory that varve mount --writable --overlay wrote to; unmount\n"
        "first. It takes time for what was written, not for the volume. The overlay stays\n"
        "as it is and may be deleted, or mounted again over the snapshot it is of.\n",
    .run = Run};

}  // namespace varve::cli
