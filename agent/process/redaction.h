// Takes secrets out of lines that go to logs and errors: output of hooks is the operator's, and
// may show passwords. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

namespace varve::agent {

// Each of `secrets` (empty ones left out), the password of every URL (scheme://user:password@) and
// the value after password=, passwd=, pwd=, secret=, token=, apikey= and "authorization: bearer",
// in any case of letters, become "***".
std::string Redacted(std::string line, const std::vector<std::string>& secrets = {});

}  // namespace varve::agent
