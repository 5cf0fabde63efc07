// What `varve help` says, made from the verbs themselves.
#pragma once

#include <string>

#include "verb.h"

namespace varve::cli {

std::string GeneralHelp();
std::string VerbHelp(const Verb& verb);

// "varve restore SNAPSHOT TARGET [options]".
std::string UsageLine(const Verb& verb);
// "-r, --repo REPO".
std::string OptionLabel(const OptionSpec& option);
// "create" of "backup create".
std::string ActionWord(const Verb& action);

}  // namespace varve::cli
