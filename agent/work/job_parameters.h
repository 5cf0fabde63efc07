// What a job is told beyond its subject, as the JSON of Job::parameters. Values.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"

namespace varve::agent {

struct JobParameters {
  std::optional<int> level;      // of a backup: of compression
  bool safety_snapshot = false;  // of a restore
  std::string verify_level;      // checksum, mount, restore
};

std::string EncodeParameters(const JobParameters& parameters);
// Corruption if the text is not what the above made; it comes from the state.
Result<JobParameters> DecodeParameters(const std::string& text);

}  // namespace varve::agent
