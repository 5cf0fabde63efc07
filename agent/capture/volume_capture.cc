#include "agent/capture/volume_capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "agent/capture/capture_kinds.h"
#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

Result<uint64_t> SizeOf(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const off_t end = file.valid() ? lseek(file.get(), 0, SEEK_END) : -1;
  if (end < 0) return Status::FromErrno(errno, "volume " + path);
  return static_cast<uint64_t>(end);
}

CaptureResult CaptureFrozenIfShort(const CaptureRequest& request) {
  const std::string& path = request.hooks.addon().volume.path;
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(path));
  if (size > request.limits.frozen_copy_bytes_max) {
    return Unsupported(path + " has " + std::to_string(size) +
                       " bytes, too many to be read while it is frozen (at most " +
                       std::to_string(request.limits.frozen_copy_bytes_max) + ")");
  }
  return CaptureFrozen(request);
}

CaptureResult CapturePlainIfNobodyWrites(const CaptureRequest& request) {
  const Addon& addon = request.hooks.addon();
  if (addon.engine != "none" || request.hooks.IsMounted()) {
    return Unsupported(addon.volume.path + " is written by " + addon.engine +
                       " or mounted: it cannot be read as it lies there");
  }
  return CapturePlain(request);
}

CaptureResult CaptureByTheBestWay(const CaptureRequest& request) {
  std::string reasons;
  for (const auto way : {CaptureByReflink, CaptureByThinSnapshot, CaptureFrozenIfShort,
                         CapturePlainIfNobodyWrites}) {
    CaptureResult capture = way(request);
    if (capture.ok() || capture.status().code() != Code::kUnsupported) return capture;
    request.context.Log("info", "capture: " + capture.status().message());
    reasons += (reasons.empty() ? "" : "; ") + capture.status().message();
  }
  return Unsupported("no way to a stable view of the volume (set its capture to stopped?): " +
                     reasons);
}

}  // namespace

Result<std::unique_ptr<VolumeCapture>> VolumeCapture::Open(const Addon& addon, const HookSet& hooks,
                                                           const CaptureLimits& limits,
                                                           JobContext& context) {
  const AddonHooks addon_hooks(
      addon, hooks,
      [&](const std::string& level, const std::string& text) { context.Log(level, text); });
  const CaptureRequest request{addon_hooks, limits, context};
  switch (addon.volume.capture) {
    case CaptureKind::kAuto:
      return CaptureByTheBestWay(request);
    case CaptureKind::kReflink:
      return CaptureByReflink(request);
    case CaptureKind::kLvmThin:
      return CaptureByThinSnapshot(request);
    case CaptureKind::kFrozen:
      return CaptureFrozen(request);
    case CaptureKind::kStopped:
      return CaptureStopped(request);
    case CaptureKind::kPlain:
      return CapturePlain(request);
  }
  VARVE_CHECK(false);
}

Status VolumeCapture::RecoverAll(StateStore& state, const Clock& clock) {
  return UndoFact::RecoverAll(state, clock, kCaptureFact);
}

}  // namespace varve::agent
