// Man pages and shell completions, made from the verbs' tables: what the package installs.
//   varve help --man            varve(1), all of it
//   varve help --completion bash|zsh|fish
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace varve::cli {

// What `words` behind `varve help` ask for. InvalidArgument if that is none of the above.
Result<std::string> GeneratedText(const std::vector<std::string>& words);

std::string ManPage();
std::string BashCompletion();
std::string ZshCompletion();
std::string FishCompletion();

}  // namespace varve::cli
