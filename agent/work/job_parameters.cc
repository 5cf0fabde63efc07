#include "agent/work/job_parameters.h"

#include <nlohmann/json.hpp>

namespace varve::agent {

using nlohmann::json;

std::string EncodeParameters(const JobParameters& parameters) {
  json value = {{"safetySnapshot", parameters.safety_snapshot},
                {"verifyLevel", parameters.verify_level}};
  if (parameters.level) value["level"] = *parameters.level;
  return value.dump();
}

Result<JobParameters> DecodeParameters(const std::string& text) {
  // The library says by exceptions what does not fit; they end here.
  try {
    const json value = json::parse(text);
    JobParameters parameters;
    value.at("safetySnapshot").get_to(parameters.safety_snapshot);
    value.at("verifyLevel").get_to(parameters.verify_level);
    if (value.contains("level")) parameters.level = value["level"].get<int>();
    return parameters;
  } catch (const json::exception& error) {
    return Corruption("a job's parameters cannot be read: " + std::string(error.what()));
  }
}

}  // namespace varve::agent
