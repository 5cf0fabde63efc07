#include "io/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/limits.h"
#include "io/batch_read.h"
#include "io/file_descriptor.h"
#include "io/open_file_cache.h"
#include "io/posix_updatable_file.h"
#include "io/posix_writable_file.h"
#include "io/rooted_directory.h"

namespace varve {
namespace {

// A repository is its owner's: names, sizes and, without encryption, contents.
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

class PosixDisk : public Disk {
 public:
  explicit PosixDisk(FileDescriptor directory)
      : root_(std::move(directory)),
        files_(root_, kOpenFilesMax),
        direct_files_(root_, kOpenFilesMax, O_DIRECT) {}

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<UpdatableFile>> OpenForUpdate(const std::string& path,
                                                       uint64_t size_bytes) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override;
  Result<uint64_t> Size(const std::string& path) override;
  Status Read(const std::string& path, uint64_t offset, MutableByteSpan into) override;
  Status ReadMany(std::vector<ReadRequest>& requests) override;
  Status Allocate(const std::string& path, uint64_t size_bytes) override;
  Result<uint64_t> FreeBytes() override;
  void Forget(const std::string& path) override {
    files_.Forget(path);
    direct_files_.Forget(path);
  }

 private:
  // Through the descriptors of `files`, which are those of direct_files_ if `direct`.
  Status ReadManyFrom(OpenFileCache& files, std::span<ReadRequest> requests, bool direct);

  const RootedDirectory root_;
  OpenFileCache files_;
  OpenFileCache direct_files_;
};

// renameat2(RENAME_NOREPLACE), or link and unlink where the file system does not know it (a crash
// between those leaves the old name beside the new one, never neither). 0 or errno.
int RenameNoReplace(int from_fd, const char* from, int to_fd, const char* to) {
  if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (linkat(from_fd, from, to_fd, to, 0) != 0) return errno;
  return unlinkat(from_fd, from, 0) == 0 ? 0 : errno;
}

Result<std::unique_ptr<WritableFile>> PosixDisk::Create(const std::string& path) {
  FileDescriptor fd(root_.Open(path, O_WRONLY | O_CREAT | O_EXCL, kFileMode));
  if (!fd.valid()) return Status::FromErrno(errno, path + ": creating");
  return NewPosixWritableFile(std::move(fd), path);
}

Result<std::unique_ptr<UpdatableFile>> PosixDisk::OpenForUpdate(const std::string& path,
                                                                uint64_t size_bytes) {
  FileDescriptor fd(root_.Open(path, O_RDWR | O_CREAT, kFileMode));
  if (!fd.valid()) return Status::FromErrno(errno, path + ": opening");
  return NewPosixUpdatableFile(std::move(fd), path, size_bytes);
}

Status PosixDisk::Rename(const std::string& from, const std::string& to) {
  const std::string what = from + ": renaming to " + to;
  const RootedDirectory::Parent source = root_.OpenParent(from);
  if (source.fd < 0) return Status::FromErrno(errno, what);
  const RootedDirectory::Parent target = root_.OpenParent(to);
  if (target.fd < 0) return Status::FromErrno(errno, what);
  const int error = RenameNoReplace(source.fd, source.leaf.c_str(), target.fd, target.leaf.c_str());
  if (error != 0) return Status::FromErrno(error, what);
  Forget(from);
  return OkStatus();
}

Status PosixDisk::Remove(const std::string& path) {
  const RootedDirectory::Parent parent = root_.OpenParent(path);
  if (parent.fd < 0 || unlinkat(parent.fd, parent.leaf.c_str(), 0) != 0) {
    return Status::FromErrno(errno, path + ": removing");
  }
  Forget(path);
  return OkStatus();
}

Status PosixDisk::CreateDirectory(const std::string& path) {
  const RootedDirectory::Parent parent = root_.OpenParent(path);
  if (parent.fd < 0) return Status::FromErrno(errno, path + ": creating the directory");
  if (mkdirat(parent.fd, parent.leaf.c_str(), kDirectoryMode) == 0) return OkStatus();
  const int error = errno;
  struct stat found {};
  if (error == EEXIST &&
      fstatat(parent.fd, parent.leaf.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(found.st_mode)) {
    return OkStatus();
  }
  return Status::FromErrno(error, path + ": creating the directory");
}

Status PosixDisk::RemoveDirectory(const std::string& path) {
  const RootedDirectory::Parent parent = root_.OpenParent(path);
  if (parent.fd < 0 || unlinkat(parent.fd, parent.leaf.c_str(), AT_REMOVEDIR) != 0) {
    return Status::FromErrno(errno, path + "/: removing the directory");
  }
  return OkStatus();
}

Status PosixDisk::SyncDirectory(const std::string& path) {
  const FileDescriptor fd(root_.Open(path, O_RDONLY | O_DIRECTORY));
  if (!fd.valid() || fsync(fd.get()) != 0) {
    return Status::FromErrno(errno, path + "/: syncing the directory");
  }
  return OkStatus();
}

Result<std::vector<DirectoryEntry>> PosixDisk::List(const std::string& path) {
  const std::string what = path + "/: listing";
  FileDescriptor fd(root_.Open(path, O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::FromErrno(errno, what);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd.get()), closedir);
  if (directory == nullptr) return Status::FromErrno(errno, what);
  const int directory_fd = fd.Release();
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(directory.get());
    if (entry == nullptr) break;
    DirectoryEntry found{.name = entry->d_name};
    if (found.name == "." || found.name == "..") continue;
    struct stat attributes {};
    if (fstatat(directory_fd, entry->d_name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed since
      return Status::FromErrno(errno, what + ": " + found.name);
    }
    found.is_directory = S_ISDIR(attributes.st_mode);
    found.size_bytes = found.is_directory ? 0 : static_cast<uint64_t>(attributes.st_size);
    entries.push_back(std::move(found));
  }
  // A listing that breaks off is an error, not a short listing (G3 depends on it).
  if (errno != 0) return Status::FromErrno(errno, what);
  return entries;
}

Result<uint64_t> PosixDisk::Size(const std::string& path) {
  const RootedDirectory::Parent parent = root_.OpenParent(path);
  struct stat attributes {};
  if (parent.fd < 0 ||
      fstatat(parent.fd, parent.leaf.c_str(), &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
    return Status::FromErrno(errno, path + ": asking for its size");
  }
  if (S_ISDIR(attributes.st_mode)) {
    return Status::FromErrno(EISDIR, path + ": asking for its size");
  }
  return static_cast<uint64_t>(attributes.st_size);
}

Status PosixDisk::Read(const std::string& path, uint64_t offset, MutableByteSpan into) {
  const OpenFileCache::Handle handle = files_.Get(path);
  if (handle == nullptr) return Status::FromErrno(errno, path + ": opening");
  return ReadExactly(handle->get(), path, offset, into);
}

Status PosixDisk::ReadMany(std::vector<ReadRequest>& requests) {
  const bool padded =
      !requests.empty() && std::all_of(requests.begin(), requests.end(),
                                       [](const ReadRequest& request) { return request.padded; });
  // Whatever fails that way (O_DIRECT refused, say) is asked for again the plain way, and that
  // answer counts.
  if (padded && ReadManyFrom(direct_files_, requests, true).ok()) return OkStatus();
  return ReadManyFrom(files_, requests, false);
}

Status PosixDisk::ReadManyFrom(OpenFileCache& files, std::span<ReadRequest> requests, bool direct) {
  // Bounded pieces, so that the descriptors in use stay within their limit too.
  for (size_t begin = 0; begin < requests.size(); begin += kOpenFilesMax) {
    const size_t count = std::min(requests.size() - begin, kOpenFilesMax);
    std::vector<OpenFileCache::Handle> handles;
    std::vector<int> fds;
    for (const ReadRequest& request : requests.subspan(begin, count)) {
      handles.push_back(files.Get(request.path));
      if (handles.back() == nullptr) return Status::FromErrno(errno, request.path + ": opening");
      fds.push_back(handles.back()->get());
    }
    VARVE_RETURN_IF_ERROR(ReadBatch(fds, requests.subspan(begin, count), direct));
  }
  return OkStatus();
}

Status PosixDisk::Allocate(const std::string& path, uint64_t size_bytes) {
  const FileDescriptor fd(root_.Open(path, O_WRONLY | O_CREAT | O_EXCL, kFileMode));
  if (!fd.valid()) return Status::FromErrno(errno, path + ": creating");
  const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(size_bytes));
  if (error != 0) return Status::FromErrno(error, path + ": making room");
  if (fsync(fd.get()) != 0) return Status::FromErrno(errno, path + ": syncing");
  return OkStatus();
}

Result<uint64_t> PosixDisk::FreeBytes() {
  struct statvfs attributes {};
  if (fstatvfs(root_.fd(), &attributes) != 0) {
    return Status::FromErrno(errno, "asking for the free space");
  }
  return uint64_t{attributes.f_bavail} * attributes.f_frsize;
}

}  // namespace

Result<std::unique_ptr<Disk>> OpenPosixDisk(const std::string& directory) {
  FileDescriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return Status::FromErrno(errno, directory + ": opening the directory");
  return std::unique_ptr<Disk>(std::make_unique<PosixDisk>(std::move(fd)));
}

}  // namespace varve
