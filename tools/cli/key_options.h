// The options that say where a key comes from.
#pragma once

#include <string>

#include "api/key_source.h"
#include "arguments.h"

namespace varve::cli {

// What --PREFIXpassphrase-file, --PREFIXpassphrase-fd, --PREFIXpassphrase-command or
// --PREFIXkey-file name; the environment's source if none is given and there is no prefix.
// InvalidArgument if more than one is.
Result<KeySource> KeySourceOf(const Arguments& arguments, const std::string& prefix = "");

}  // namespace varve::cli
