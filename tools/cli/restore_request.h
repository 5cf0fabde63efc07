// What `restore` and `recover` share: a snapshot's bytes, all or a range, to a target.
#pragma once

#include "verb.h"

namespace varve::cli {

// Options --in-place and --force, and the positional arguments SNAPSHOT and TARGET.
Result<ExitCode> RestoreWhole(Invocation& invocation);

}  // namespace varve::cli
