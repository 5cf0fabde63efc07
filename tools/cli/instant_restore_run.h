// `varve restore --instant`: the volume is mounted and usable while it is restored behind.
#pragma once

#include "verb.h"

namespace varve::cli {

Result<ExitCode> RestoreInstantly(Invocation& invocation);

}  // namespace varve::cli
