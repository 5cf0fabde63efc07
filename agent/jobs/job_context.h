// What a job's body may see and say while it runs. One per running job; the body runs on one
// thread, progress is read by others.
#pragma once

#include <string>

#include "agent/model/job.h"
#include "agent/state/state_store.h"
#include "base/clock.h"
#include "base/progress.h"

namespace varve::agent {

class JobContext {
 public:
  virtual ~JobContext() = default;
  virtual const Job& job() const = 0;
  virtual StateStore& state() = 0;
  virtual const Clock& clock() const = 0;
  // Cancelled when an abort was asked for: bodies look at it between steps and answer Cancelled.
  virtual Progress& progress() = 0;
  // A word for what is being done now: "capture", "read", "safety snapshot". Shown with progress.
  virtual void EnterPhase(const std::string& phase) = 0;
  // A line of the subject's log; durable when this returns; told to whoever follows. level: info,
  // warning, error.
  virtual void Log(const std::string& level, const std::string& text) = 0;
};

// The body of a kind of job. Two ways in: Run does the work; Recover is called once at start for a
// job that was running when the agent ended, before anything else runs: it undoes what was half
// done (thaws, unmounts, removes clones, brings the database up) and leaves the subject's status
// terminal or the job to be run again (kScheduled).
class JobBody {
 public:
  virtual ~JobBody() = default;
  // Sets the subject's status and facts itself, in one state transaction with its last step. Ok,
  // Cancelled (aborted) or the failure; the runner keeps that as the job's and, where the body left
  // the subject in progress, as the subject's.
  virtual Status Run(JobContext& context) = 0;
  virtual Status Recover(JobContext& context) = 0;
};

}  // namespace varve::agent
