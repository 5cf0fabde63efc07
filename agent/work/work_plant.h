// What the bodies of jobs stand on: configuration, repositories, volumes' life cycle. Borrowed by
// all bodies, outlives them. Thread-safe.
#pragma once

#include "agent/config/agent_config.h"
#include "agent/jobs/job_runner.h"

namespace varve::agent {

struct WorkPlant {
  const AgentConfig& config;
  StateStore& state;
  const Clock& clock;
  std::string varve_binary;  // runs mounts as processes of their own
};

// Undoes what an agent that died left behind (freezes, clones, drills, mounts of backups), then
// registers a body for every JobKind, which do the rest in their Recover(). Before Start().
void RegisterJobBodies(JobRunner& runner, const WorkPlant& plant);

}  // namespace varve::agent
