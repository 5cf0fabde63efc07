// A restore without a target: the engine is started on a copy-on-write mount of the backup, asked,
// and everything is taken down again. The addon itself is not touched.
#pragma once

#include <string>

#include "agent/work/work_steps.h"

namespace varve::agent {

// What the check hook answered. Unsupported if the addon has no drill hooks. Whatever comes out,
// engine, file system and mount are gone after it.
Result<std::string> RunRestoreDrill(const WorkPlant& plant, const Backup& backup,
                                    JobContext& context);
// Takes down what drills of an agent that died left, engines first. Before mounts are recovered.
Status RecoverDrills(StateStore& state, const Clock& clock);

}  // namespace varve::agent
