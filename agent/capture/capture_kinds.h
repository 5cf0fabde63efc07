// The ways to a stable view, each the whole of one: made by its function, undone by Release().
// Callers want volume_capture.h.
#pragma once

#include <memory>
#include <string>

#include "agent/capture/addon_hooks.h"
#include "agent/capture/volume_capture.h"

namespace varve::agent {

// What each kind needs. Borrowed for the call, but for `hooks`, which is copied.
struct CaptureRequest {
  const AddonHooks& hooks;
  const CaptureLimits& limits;
  JobContext& context;
};

using CaptureResult = Result<std::unique_ptr<VolumeCapture>>;

// Unsupported with the reason where the volume is not of the kind; any other failure is one.
CaptureResult CaptureByReflink(const CaptureRequest& request);
CaptureResult CaptureByThinSnapshot(const CaptureRequest& request);
CaptureResult CaptureFrozen(const CaptureRequest& request);
CaptureResult CaptureStopped(const CaptureRequest& request);
CaptureResult CapturePlain(const CaptureRequest& request);

// Facts of captures in the state.
inline constexpr const char* kCaptureFact = "capture";

}  // namespace varve::agent
