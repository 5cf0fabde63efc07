#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/clock.h"
#include "io/file_descriptor.h"
#include "repo/local_state.h"

namespace varve {
namespace {

constexpr size_t kHolderTextMax = 512;

class FileLock : public WriterLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {}
  ~FileLock() override {
    // The text is for people; nobody holds the lock from here on. A failure changes nothing.
    [[maybe_unused]] const int truncated = ftruncate(fd_, 0);
    close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  const int fd_;
};

class NamedFileLock : public HeldLock {
 public:
  NamedFileLock(FileDescriptor fd, std::string path, LockLife life)
      : fd_(std::move(fd)), path_(std::move(path)), life_(life) {}
  ~NamedFileLock() override {
    // While it is still held: whoever opened the file meanwhile sees that it is gone.
    if (life_ == LockLife::kOnce) unlink(path_.c_str());
  }
  NamedFileLock(const NamedFileLock&) = delete;
  NamedFileLock& operator=(const NamedFileLock&) = delete;

 private:
  const FileDescriptor fd_;
  const std::string path_;
  const LockLife life_;
};

// Is the file that we locked still the one of that name?
bool IsStillNamed(int fd, const std::string& path) {
  struct stat locked {};
  struct stat named {};
  return fstat(fd, &locked) == 0 && stat(path.c_str(), &named) == 0 &&
         locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

std::string HolderText(const std::string& purpose) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return "process " + std::to_string(getpid()) + " on " + host.data() + " (" + purpose +
         ", since " + FormatUtc(Clock::System().NowUnixNs()) + ")";
}

class DirectoryLocalState : public LocalState {
 public:
  explicit DirectoryLocalState(std::string directory) : directory_(std::move(directory)) {}

  Result<std::unique_ptr<WriterLock>> AcquireWriterLock(const std::string& purpose) override {
    const std::string path = directory_ + "/lock";
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return Status::FromErrno(errno, "open " + path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      std::array<char, kHolderTextMax> text{};
      const ssize_t length = pread(fd, text.data(), text.size(), 0);
      close(fd);
      if (error != EWOULDBLOCK) return Status::FromErrno(error, "lock " + path);
      const std::string holder =
          length > 0 ? std::string(text.data(), static_cast<size_t>(length)) : "another process";
      return Busy("repository " + directory_ + " is being written by " + holder);
    }
    const std::string text = HolderText(purpose).substr(0, kHolderTextMax);
    if (ftruncate(fd, 0) != 0 ||
        pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      // Only the name of the holder is lost: a full disk must not stop a delete.
      [[maybe_unused]] const int truncated = ftruncate(fd, 0);
    }
    return std::unique_ptr<WriterLock>(std::make_unique<FileLock>(fd));
  }

  Result<std::unique_ptr<HeldLock>> TryLock(const std::string& name, LockLife life) override {
    const std::string folder = directory_ + "/locks";
    const std::string path = folder + "/" + name;
    for (;;) {
      FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!fd.valid() && errno == ENOENT) {
        if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
          return Status::FromErrno(errno, "create " + folder);
        }
        continue;
      }
      if (!fd.valid()) return Status::FromErrno(errno, "open " + path);
      if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::unique_ptr<HeldLock>();
        return Status::FromErrno(errno, "lock " + path);
      }
      if (!IsStillNamed(fd.get(), path)) continue;  // its last holder took the name along
      return std::unique_ptr<HeldLock>(std::make_unique<NamedFileLock>(std::move(fd), path, life));
    }
  }

  Result<std::unique_ptr<Index>> OpenIndex(const RepositoryId& repository,
                                           IndexMode mode) override {
    return OpenRocksIndex(IndexDirectory(), repository, mode);
  }
  Status DestroyIndex() override { return DestroyRocksIndex(IndexDirectory()); }
  Result<std::vector<std::string>> VerifyIndex() override {
    return VerifyRocksIndex(IndexDirectory());
  }

 private:
  std::string IndexDirectory() const { return directory_ + "/index"; }

  const std::string directory_;
};

}  // namespace

std::unique_ptr<LocalState> NewDirectoryLocalState(const std::string& repository_directory) {
  return std::make_unique<DirectoryLocalState>(repository_directory);
}

}  // namespace varve
