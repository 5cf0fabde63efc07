#include "agent/capture/capture_kinds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/capture/frozen_file_system.h"
#include "agent/capture/reflink_clone.h"
#include "agent/capture/thin_snapshot.h"
#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

// What the kinds have in common: facts, and an end that is not forgotten.
class BasicCapture : public VolumeCapture {
 public:
  BasicCapture(std::string kind, Consistency consistency, const CaptureRequest& request)
      : hooks_(request.hooks),
        clock_(request.context.clock()),
        fact_(request.context.state(), kCaptureFact, request.context.job().id,
              request.context.job().subject_id),
        path_(request.hooks.addon().volume.path),
        kind_(std::move(kind)),
        consistency_(consistency) {}

  std::string path() const override { return path_; }
  std::string kind() const override { return kind_; }
  Consistency consistency() const override { return consistency_; }
  int64_t pause_ns() const override { return pause_ns_; }

 protected:
  // Runs `take` between the freeze and the thaw hook; the thaw hook runs whatever happens. The
  // steps of `kept` are to be undone from here on, also after the thaw.
  Status BetweenHooks(const std::vector<UndoStep>& kept, const std::function<Status()>& take) {
    const bool thaws = !hooks_.hooks().thaw.empty();
    std::vector<UndoStep> steps = kept;
    if (thaws) steps.insert(steps.begin(), hooks_.ThawStep());
    VARVE_RETURN_IF_ERROR(fact_.Set(steps));
    Status status = hooks_.Freeze();
    // A hook without its counterpart (CHECKPOINT) holds nothing up.
    const int64_t begin_ns = clock_.NowMonotonicNs();
    if (status.ok()) status = take();
    if (thaws) {
      const Status thawed = hooks_.Thaw();
      if (status.ok()) status = thawed;
    }
    pause_ns_ = clock_.NowMonotonicNs() - begin_ns;
    if (status.ok()) return kept.empty() ? fact_.Clear() : fact_.Set(kept);
    // The failure is what is told; a step that cannot be done now stays for the next start.
    if (RunUndoSteps(kept, [](const std::string&, const std::string&) {}).ok()) {
      [[maybe_unused]] const Status cleared = fact_.Clear();
    }
    return status;
  }

  const AddonHooks hooks_;
  const Clock& clock_;
  UndoFact fact_;
  std::string path_;
  int64_t pause_ns_ = 0;

 private:
  const std::string kind_;
  const Consistency consistency_;
};

// A view that is a thing of its own, to be removed: a clone or a thin snapshot.
class CopyCapture : public BasicCapture {
 public:
  using BasicCapture::BasicCapture;
  ~CopyCapture() override {
    if (!released_) [[maybe_unused]]
      const Status status = Undo([](const std::string&, const std::string&) {});
  }

  Status Take(const std::string& path, UndoStep removal, const std::function<Status()>& make) {
    path_ = path;
    removal_ = std::move(removal);
    const Status status = BetweenHooks({removal_}, make);
    released_ = !status.ok();
    return status;
  }
  Status Release(JobContext& context) override {
    return Undo(
        [&](const std::string& level, const std::string& text) { context.Log(level, text); });
  }

 private:
  Status Undo(const UndoLog& log) {
    released_ = true;
    VARVE_RETURN_IF_ERROR(RunUndoSteps({removal_}, log));
    return fact_.Clear();
  }

  UndoStep removal_;
  bool released_ = false;
};

class FrozenCapture : public BasicCapture {
 public:
  using BasicCapture::BasicCapture;
  ~FrozenCapture() override {
    if (!released_) [[maybe_unused]]
      const Status status = Undo();
  }

  Status Take(const CaptureLimits& limits) {
    const Addon& addon = hooks_.addon();
    std::vector<UndoStep> steps(1);
    steps[0].kind = UndoStep::Kind::kThaw;
    steps[0].path = addon.volume.mountpoint;
    if (!hooks_.hooks().thaw.empty()) steps.push_back(hooks_.ThawStep());
    VARVE_RETURN_IF_ERROR(fact_.Set(steps));
    released_ = false;
    VARVE_RETURN_IF_ERROR(hooks_.Freeze());
    begin_ns_ = clock_.NowMonotonicNs();
    VARVE_ASSIGN_OR_RETURN(
        frozen_,
        FrozenFileSystem::Freeze(addon.volume.mountpoint, limits.freeze_max, limits.never_frozen));
    return {};
  }
  Status Release(JobContext&) override { return Undo(); }

 private:
  Status Undo() {
    released_ = true;
    Status status = frozen_ == nullptr ? Status() : frozen_->Thaw();
    frozen_.reset();
    const Status hook = hooks_.Thaw();
    pause_ns_ = clock_.NowMonotonicNs() - begin_ns_;
    if (status.ok()) status = hook;
    const Status cleared = fact_.Clear();
    return status.ok() ? cleared : status;
  }

  std::unique_ptr<FrozenFileSystem> frozen_;
  int64_t begin_ns_ = 0;
  bool released_ = true;
};

class StoppedCapture : public BasicCapture {
 public:
  using BasicCapture::BasicCapture;
  ~StoppedCapture() override {
    if (!released_) [[maybe_unused]]
      const Status status = BringUp();
  }

  Status Take() {
    VARVE_RETURN_IF_ERROR(fact_.Set(hooks_.BringUpSteps()));
    released_ = false;
    begin_ns_ = clock_.NowMonotonicNs();
    VARVE_RETURN_IF_ERROR(hooks_.Stop());
    return hooks_.Unmount();
  }
  Status Release(JobContext&) override { return BringUp(); }

 private:
  Status BringUp() {
    released_ = true;
    VARVE_RETURN_IF_ERROR(hooks_.BringUp());
    pause_ns_ = clock_.NowMonotonicNs() - begin_ns_;
    return fact_.Clear();
  }

  int64_t begin_ns_ = 0;
  bool released_ = true;
};

class PlainCapture : public BasicCapture {
 public:
  using BasicCapture::BasicCapture;
  Status Release(JobContext&) override { return {}; }
};

Result<struct stat> About(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Status::FromErrno(errno, "volume " + path);
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return status;
  return InvalidArgument("volume " + path + " is neither a regular file nor a block device");
}

// What the mounted file system has not written yet belongs to the view, too, as far as it can.
void WriteOut(const std::string& mountpoint) {
  const FileDescriptor directory(open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) syncfs(directory.get());
}

}  // namespace

CaptureResult CaptureByReflink(const CaptureRequest& request) {
  const std::string volume = request.hooks.addon().volume.path;
  VARVE_ASSIGN_OR_RETURN(const struct stat about, About(volume));
  if (!S_ISREG(about.st_mode)) return Unsupported(volume + " is a device, which has no clone");
  auto capture = std::make_unique<CopyCapture>("reflink", Consistency::kCrash, request);
  if (request.hooks.IsMounted()) WriteOut(request.hooks.addon().volume.mountpoint);
  UndoStep removal;
  removal.path = ClonePathOf(volume, request.context.job().id);
  VARVE_RETURN_IF_ERROR(
      capture->Take(removal.path, removal, [&] { return CloneFile(volume, removal.path); }));
  return CaptureResult(std::move(capture));
}

CaptureResult CaptureByThinSnapshot(const CaptureRequest& request) {
  const std::string volume = request.hooks.addon().volume.path;
  VARVE_ASSIGN_OR_RETURN(const struct stat about, About(volume));
  if (!S_ISBLK(about.st_mode)) return Unsupported(volume + " is no logical volume but a file");
  VARVE_ASSIGN_OR_RETURN(const LogicalVolume origin, FindThinVolume(volume));
  auto capture = std::make_unique<CopyCapture>("lvm-thin", Consistency::kCrash, request);
  const LogicalVolume snapshot{origin.group, "varve-" + request.context.job().id};
  UndoStep removal;
  removal.kind = UndoStep::Kind::kRemoveThinSnapshot;
  removal.path = snapshot.group + "/" + snapshot.name;
  const auto make = [&]() -> Status { return CreateThinSnapshot(origin, snapshot.name).status(); };
  VARVE_RETURN_IF_ERROR(
      capture->Take("/dev/" + snapshot.group + "/" + snapshot.name, removal, make));
  return CaptureResult(std::move(capture));
}

CaptureResult CaptureFrozen(const CaptureRequest& request) {
  const VolumeSettings& volume = request.hooks.addon().volume;
  VARVE_RETURN_IF_ERROR(About(volume.path).status());
  if (volume.mountpoint.empty()) {
    return Unsupported(volume.path + " has no mountpoint that could be frozen");
  }
  const Status may = CheckMayFreeze(volume.mountpoint, request.limits.never_frozen);
  if (!may.ok()) return Unsupported(may.message());
  auto capture = std::make_unique<FrozenCapture>("frozen", Consistency::kFilesystem, request);
  VARVE_RETURN_IF_ERROR(capture->Take(request.limits));
  return CaptureResult(std::move(capture));
}

CaptureResult CaptureStopped(const CaptureRequest& request) {
  VARVE_RETURN_IF_ERROR(About(request.hooks.addon().volume.path).status());
  auto capture = std::make_unique<StoppedCapture>("stopped", Consistency::kApplication, request);
  VARVE_RETURN_IF_ERROR(capture->Take());
  return CaptureResult(std::move(capture));
}

CaptureResult CapturePlain(const CaptureRequest& request) {
  VARVE_RETURN_IF_ERROR(About(request.hooks.addon().volume.path).status());
  return CaptureResult(std::make_unique<PlainCapture>("plain", Consistency::kCrash, request));
}

}  // namespace varve::agent
