// A snapshot and what was written over it, in a directory of its own: locked, continued where it
// was left, or begun. One writer at a time.
//   lock, overlay, data, map.<n>      (FORMAT.md, "Overlay directory")
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "io/disk.h"
#include "io/holder_lock.h"
#include "restore/overlay.h"
#include "restore/overlay_view.h"
#include "restore/volume_view.h"

namespace varve {

class OverlayDirectory {
 public:
  // Makes `path` if it does not exist (its parent must). Busy, naming the holder, if another
  // process has it; InvalidArgument if it is an overlay of something else; AlreadyExists if it
  // holds other things. `purpose` is what others are told.
  static Result<std::unique_ptr<OverlayDirectory>> Open(const std::string& path,
                                                        const OverlayBinding& binding,
                                                        std::shared_ptr<VolumeView> snapshot,
                                                        const std::string& purpose);
  // One of its own below $TMPDIR or /var/tmp, gone with everything in it when this is destroyed.
  static Result<std::unique_ptr<OverlayDirectory>> OpenTemporary(
      const OverlayBinding& binding, std::shared_ptr<VolumeView> snapshot);
  // What a directory is an overlay of. NotFound if it is none.
  static Result<OverlayBinding> ReadBinding(const std::string& path);
  ~OverlayDirectory();

  const std::string& path() const { return path_; }
  Overlay& overlay() { return *overlay_; }
  OverlayView& view() { return *view_; }

 private:
  OverlayDirectory() = default;

  std::string path_;  // absolute
  bool is_temporary_ = false;
  std::unique_ptr<HolderLock> lock_;
  std::unique_ptr<Disk> disk_;
  std::shared_ptr<VolumeView> snapshot_;
  std::unique_ptr<Overlay> overlay_;
  std::unique_ptr<OverlayView> view_;
};

}  // namespace varve
