// What `snapshot` and `commit-overlay` have in common: options, and how the outcome is shown.
#pragma once

#include "api/engine.h"
#include "arguments.h"
#include "base/status.h"
#include "console.h"
#include "exit_code.h"

namespace varve::cli {

Result<SnapshotOptions> ParseSnapshotOptions(const Arguments& arguments);
ExitCode ShowSnapshotReport(const SnapshotReport& report, Console& console);

}  // namespace varve::cli
