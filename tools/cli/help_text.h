// What `varve help` says, made from the verbs themselves.
#pragma once

#include <string>

#include "verb.h"

namespace varve::cli {

std::string GeneralHelp();
std::string VerbHelp(const Verb& verb);

}  // namespace varve::cli
