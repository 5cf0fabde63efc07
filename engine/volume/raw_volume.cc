#include "volume/raw_volume.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/limits.h"

namespace varve {
namespace {

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::canonical(path, error);
  return error ? path : absolute.string();
}

Result<uint64_t> SizeOf(int fd, const struct stat& info, const std::string& path) {
  if (S_ISREG(info.st_mode)) return static_cast<uint64_t>(info.st_size);
  uint64_t size = 0;
  if (ioctl(fd, BLKGETSIZE64, &size) != 0) return Status::FromErrno(errno, "size of " + path);
  return size;
}

// Loop devices that stand on the file, by name ("loop3").
std::vector<std::string> LoopsOn(const std::string& absolute_path) {
  std::vector<std::string> loops;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error)) {
    std::ifstream backing(entry.path() / "loop" / "backing_file");
    std::string file;
    if (std::getline(backing, file) && file == absolute_path) {
      loops.push_back(entry.path().filename());
    }
  }
  return loops;
}

// Where the device with this number is mounted; only writable mounts if asked.
std::optional<std::string> MountPointOf(dev_t device, bool for_writing_only) {
  const std::string number = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string id, parent, device_number, root, mount_point, options;
    fields >> id >> parent >> device_number >> root >> mount_point >> options;
    if (device_number != number) continue;
    if (for_writing_only && !(options + ",").starts_with("rw,")) continue;
    return mount_point;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> FindDeviceUse(const std::string& path, bool for_writing_only) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  if (S_ISBLK(info.st_mode)) {
    const auto mount_point = MountPointOf(info.st_rdev, for_writing_only);
    if (mount_point) return "is mounted at " + *mount_point;
    return std::nullopt;
  }
  for (const std::string& loop : LoopsOn(AbsolutePath(path))) {
    struct stat device {};
    const std::string node = "/dev/" + loop;
    if (stat(node.c_str(), &device) != 0) continue;
    const auto mount_point = MountPointOf(device.st_rdev, for_writing_only);
    if (mount_point) return "is mounted at " + *mount_point + " by way of " + node;
    if (!for_writing_only) return "is attached to " + node;
  }
  return std::nullopt;
}

Result<std::unique_ptr<RawVolume>> RawVolume::Open(const std::string& path) {
  std::unique_ptr<RawVolume> volume(new RawVolume());
  volume->path_ = path;
  volume->buffered_fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (volume->buffered_fd_ < 0) return Status::FromErrno(errno, "open volume " + path);
  struct stat info {};
  if (fstat(volume->buffered_fd_, &info) != 0) return Status::FromErrno(errno, "stat " + path);
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) {
    return InvalidArgument("volume " + path + " is neither a regular file nor a block device");
  }
  volume->is_device_ = S_ISBLK(info.st_mode);
  VARVE_ASSIGN_OR_RETURN(volume->size_bytes_, SizeOf(volume->buffered_fd_, info, path));
  if (volume->size_bytes_ > kVolumeSizeMax) {
    return InvalidArgument("volume " + path + " of " + std::to_string(volume->size_bytes_) +
                           " bytes is larger than 2^56");
  }
  // Refused by some file systems (tmpfs before 6.6, say): the reader goes without.
  volume->direct_fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  const dev_t number = volume->is_device_ ? info.st_rdev : info.st_dev;
  volume->identity_ = (volume->is_device_ ? "device:" : "file:") + AbsolutePath(path) + ":" +
                      std::to_string(major(number)) + ":" + std::to_string(minor(number));
  if (!volume->is_device_) volume->identity_ += ":" + std::to_string(info.st_ino);
  return volume;
}

RawVolume::~RawVolume() {
  if (buffered_fd_ >= 0) close(buffered_fd_);
  if (direct_fd_ >= 0) close(direct_fd_);
}

Result<std::optional<DataExtent>> RawVolume::NextData(uint64_t offset) const {
  if (offset >= size_bytes_) return std::optional<DataExtent>();
  if (is_device_) return std::optional<DataExtent>({offset, size_bytes_});
  const off_t data = lseek(buffered_fd_, static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) {
    if (errno == ENXIO) return std::optional<DataExtent>();
    if (errno == EINVAL) return std::optional<DataExtent>({offset, size_bytes_});
    return Status::FromErrno(errno, "find data in " + path_ + " at " + std::to_string(offset));
  }
  const off_t hole = lseek(buffered_fd_, data, SEEK_HOLE);
  if (hole < 0) {
    return Status::FromErrno(errno, "find holes in " + path_ + " at " + std::to_string(data));
  }
  const DataExtent extent{static_cast<uint64_t>(data),
                          std::min(static_cast<uint64_t>(hole), size_bytes_)};
  if (extent.begin >= extent.end) return std::optional<DataExtent>();  // it grew meanwhile
  return std::optional<DataExtent>(extent);
}

Result<ContentStamp> RawVolume::Stamp() const {
  struct stat info {};
  if (fstat(buffered_fd_, &info) != 0) return Status::FromErrno(errno, "stat " + path_);
  ContentStamp stamp;
  VARVE_ASSIGN_OR_RETURN(stamp.size_bytes, SizeOf(buffered_fd_, info, path_));
  // The time of a device node says nothing about its content.
  if (!is_device_) {
    stamp.modified_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  }
  return stamp;
}

Result<std::unique_ptr<BlockReader>> RawVolume::NewReader(const BlockReaderOptions& options) const {
  return NewBlockReader(direct_fd_, buffered_fd_, "volume " + path_, size_bytes_, options);
}

std::optional<std::string> RawVolume::MountedForWriting() const {
  return FindDeviceUse(path_, true);
}

}  // namespace varve
