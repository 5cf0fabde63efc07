#include "restore/overlay_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "io/posix_disk.h"

namespace varve {

Result<std::unique_ptr<OverlayDirectory>> OverlayDirectory::Open(
    const std::string& path, const OverlayBinding& binding, std::shared_ptr<VolumeView> snapshot,
    const std::string& purpose) {
  const std::string what = "overlay " + path;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Status::FromErrno(errno, what + ": creating the directory");
  }
  std::unique_ptr<OverlayDirectory> directory(new OverlayDirectory());
  // Opened first: it says so when the path is no directory.
  VARVE_ASSIGN_OR_RETURN(directory->disk_, OpenPosixDisk(path));
  std::error_code error;
  directory->path_ = std::filesystem::canonical(path, error);
  if (error) return Status::FromErrno(error.value(), what);
  VARVE_ASSIGN_OR_RETURN(directory->lock_, HolderLock::Acquire(path + "/lock", what, purpose));
  Result<std::unique_ptr<Overlay>> overlay = Overlay::Open(*directory->disk_, binding);
  if (!overlay.ok()) return overlay.status().WithContext(what);
  directory->overlay_ = *std::move(overlay);
  directory->snapshot_ = std::move(snapshot);
  directory->view_ = std::make_unique<OverlayView>(*directory->snapshot_, *directory->overlay_);
  return directory;
}

Result<std::unique_ptr<OverlayDirectory>> OverlayDirectory::OpenTemporary(
    const OverlayBinding& binding, std::shared_ptr<VolumeView> snapshot) {
  const char* const parent = std::getenv("TMPDIR");
  std::string path = std::string(parent == nullptr ? "/var/tmp" : parent) + "/varve-overlay-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return Status::FromErrno(errno, "making an overlay " + path);
  }
  auto directory = Open(path, binding, std::move(snapshot), "a temporary overlay");
  if (directory.ok()) (*directory)->is_temporary_ = true;
  return directory;
}

Result<OverlayBinding> OverlayDirectory::ReadBinding(const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Disk> disk, OpenPosixDisk(path));
  const Result<OverlayBinding> binding = Overlay::ReadBinding(*disk);
  if (binding.ok()) return *binding;
  if (binding.status().code() == Code::kNotFound) return NotFound(path + " is no overlay");
  return binding.status().WithContext("overlay " + path);
}

OverlayDirectory::~OverlayDirectory() {
  if (!is_temporary_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace varve
