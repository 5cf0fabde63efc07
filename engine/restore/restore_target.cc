#include "restore/restore_target.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace varve {
namespace {

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Status::FromErrno(errno, "open " + directory);
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == 0 ? Status() : Status::FromErrno(error, "sync " + directory);
}

Status CheckNotInUse(const std::string& path) {
  const std::optional<std::string> use = FindDeviceUse(path, false);
  return use ? Busy("target " + path + " " + *use) : Status();
}

}  // namespace

Result<std::unique_ptr<RestoreTarget>> RestoreTarget::Open(const std::string& path, TargetMode mode,
                                                           uint64_t size_bytes,
                                                           const SnapshotId& snapshot) {
  std::unique_ptr<RestoreTarget> target(new RestoreTarget());
  target->path_ = path;
  struct stat info {};
  const bool exists = stat(path.c_str(), &info) == 0;
  if (!exists && errno != ENOENT) return Status::FromErrno(errno, "target " + path);
  if (exists && !S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) {
    return InvalidArgument("target " + path + " is neither a regular file nor a block device");
  }
  if (exists && mode == TargetMode::kNewFile) {
    return AlreadyExists("target " + path +
                         " exists; --in-place writes only what differs, --force replaces it");
  }
  if (!exists && mode == TargetMode::kInPlace) {
    return NotFound("target " + path + " does not exist; --in-place needs one");
  }
  if (exists) VARVE_RETURN_IF_ERROR(CheckNotInUse(path));
  const bool rewrite = exists && (mode == TargetMode::kInPlace || S_ISBLK(info.st_mode));
  VARVE_RETURN_IF_ERROR(rewrite ? target->OpenExisting(size_bytes)
                                : target->OpenNew(mode, size_bytes, snapshot));
  return target;
}

RestoreTarget::~RestoreTarget() {
  if (fd_ >= 0) close(fd_);
  if (direct_fd_ >= 0) close(direct_fd_);
}

Status RestoreTarget::OpenDescriptors(const std::string& path, int flags) {
  fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (fd_ < 0) {
    if (errno == EBUSY) return Busy("target " + path + " is in use by the kernel");
    return Status::FromErrno(errno, "open target " + path);
  }
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    return Busy("target " + path + " is being restored by another process");
  }
  direct_fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);  // -1 where that is refused
  writer_ = NewBlockWriter(fd_, direct_fd_, "target " + path);
  return {};
}

Status RestoreTarget::OpenNew(TargetMode mode, uint64_t size_bytes, const SnapshotId& snapshot) {
  replace_ = mode == TargetMode::kReplace;
  written_path_ = path_ + ".varve-" + snapshot.Short();
  VARVE_RETURN_IF_ERROR(OpenDescriptors(written_path_, O_CREAT | O_NOFOLLOW));
  struct stat info {};
  if (fstat(fd_, &info) != 0) return Status::FromErrno(errno, "stat " + written_path_);
  resumed_ = info.st_size > 0;
  if (ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0) {
    return Status::FromErrno(errno,
                             "give " + written_path_ + " " + std::to_string(size_bytes) + " bytes");
  }
  if (resumed_) {
    VARVE_ASSIGN_OR_RETURN(present_, RawVolume::Open(written_path_));
  }
  return {};
}

Status RestoreTarget::OpenExisting(uint64_t size_bytes) {
  written_path_ = path_;
  struct stat info {};
  if (stat(path_.c_str(), &info) != 0) return Status::FromErrno(errno, "target " + path_);
  const bool is_device = S_ISBLK(info.st_mode);
  // O_EXCL on a device: refused while it is mounted or claimed.
  VARVE_RETURN_IF_ERROR(OpenDescriptors(path_, is_device ? O_EXCL : 0));
  if (!is_device && ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0) {
    return Status::FromErrno(errno, "give " + path_ + " " + std::to_string(size_bytes) + " bytes");
  }
  VARVE_ASSIGN_OR_RETURN(present_, RawVolume::Open(path_));
  if (present_->size_bytes() < size_bytes) {
    return Status(Code::kNoSpace, "target " + path_ + " has " +
                                      std::to_string(present_->size_bytes()) +
                                      " bytes, the snapshot needs " + std::to_string(size_bytes));
  }
  return {};
}

Status RestoreTarget::Finish() {
  VARVE_RETURN_IF_ERROR(writer_->Sync());
  if (written_path_ == path_) return {};
  const unsigned flags = replace_ ? 0 : RENAME_NOREPLACE;
  if (syscall(SYS_renameat2, AT_FDCWD, written_path_.c_str(), AT_FDCWD, path_.c_str(), flags) !=
      0) {
    return Status::FromErrno(errno, "rename " + written_path_ + " to " + path_);
  }
  return SyncDirectory(DirectoryOf(path_));
}

}  // namespace varve
