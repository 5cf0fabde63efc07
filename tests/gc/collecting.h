// Deletes and collections on a simulated machine, as processes of their own.
#pragma once

#include "gc/collection.h"
#include "sim/simulated_machine.h"

namespace varve {

inline Status Forget(SimulatedMachine& machine, const std::vector<SnapshotId>& ids) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kMaintain));
  return repository->Delete(ids, "test");
}

inline GcOptions Forced() {
  GcOptions options;
  options.force = true;
  options.tolerated_garbage_percent = 0;
  return options;
}

inline Result<GcReport> Collect(SimulatedMachine& machine, const GcOptions& options = Forced()) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, machine.Open(OpenMode::kMaintain));
  Progress progress;
  VARVE_ASSIGN_OR_RETURN(const auto gc, Collection::Begin(*repository, options, progress));
  VARVE_RETURN_IF_ERROR(gc->Plan().status());
  return gc->Execute();
}

inline uint64_t PackBytes(SimulatedMachine& machine) {
  uint64_t bytes = 0;
  for (const std::string& path : machine.disk().AllFiles()) {
    if (path.starts_with("packs/")) bytes += machine.disk().Content(path).size();
  }
  return bytes;
}

}  // namespace varve
