// A stable view of a live volume, as short as can be (agent.md, "An addon"): made, read, released.
// What must be undone after a crash is a durable fact before it is done.
//
// Thread-compatible; one capture per volume at a time (jobs see to that).
#pragma once

#include <memory>
#include <string>

#include "agent/config/agent_config.h"
#include "agent/jobs/job_context.h"
#include "agent/model/addon.h"
#include "format/snapshot_record.h"

namespace varve::agent {

class VolumeCapture {
 public:
  // Makes the view by the addon's kind of capture; kAuto tries them in their order and logs why one
  // does not do. Fails with what each of them said if none does.
  static Result<std::unique_ptr<VolumeCapture>> Open(const Addon& addon, const HookSet& hooks,
                                                     const CaptureLimits& limits,
                                                     JobContext& context);
  // As Release(), its failure logged.
  virtual ~VolumeCapture() = default;

  virtual std::string path() const = 0;  // what to read
  virtual std::string kind() const = 0;  // "reflink"
  virtual Consistency consistency() const = 0;
  virtual int64_t pause_ns() const = 0;  // how long writes stood still
  // Undoes it: removes the clone, thaws, starts. Called once.
  virtual Status Release(JobContext& context) = 0;

  // At start: undoes what captures of an agent that died left, by the facts in the state: thaws
  // file systems, removes clones and thin snapshots, starts stopped databases.
  static Status RecoverAll(StateStore& state, const Clock& clock);
};

}  // namespace varve::agent
