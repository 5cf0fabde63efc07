#include "restore_request.h"
#include "verb.h"

namespace varve::cli {

extern const Verb kRecoverVerb{
    .name = "recover",
    .purpose = "Restore without any index, from packs and the snapshot's record alone",
    .opening = Opening::kWithoutIndex,
    .shows_progress = true,
    .positionals = {{"SNAPSHOT"}, {"TARGET"}},
    .options = {{"in-place", "", "the target exists: compare, and write only what differs"},
                {"force", "", "replace the file, overwrite the device"}},
    .details = std::string(kSelectorDetails) +
               "Reads where everything is from the packs themselves and neither reads nor writes\n"
               "index/: for a repository whose index cannot be rebuilt, because its disk is "
               "read-only\nor full, say.\n",
    .run = RestoreWhole};

}  // namespace varve::cli
