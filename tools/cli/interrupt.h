// Ctrl-C, SIGTERM and SIGHUP as a clean cancel: the first asks the running operation to stop, the
// second ends the process at once (which a repository survives like any crash).
#pragma once

#include "base/progress.h"

namespace varve::cli {

// Once per process. `progress` must live until the process ends.
void CancelOnSignals(Progress& progress);
bool WasInterrupted();

}  // namespace varve::cli
