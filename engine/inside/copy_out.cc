#include "inside/copy_out.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "base/limits.h"
#include "io/file_descriptor.h"

namespace varve {
namespace {

constexpr int kDepthMax = 256;
constexpr size_t kHoleBytes = 4 * kKiB;
// Of what failed inside the file system one goes on; these are of the target or of the whole.
bool EndsAll(const Status& status) {
  return status.code() == Code::kNoSpace || status.code() == Code::kCancelled ||
         status.code() == Code::kDenied;
}

class Copier {
 public:
  Copier(ExtFileSystem& file_system, Progress& progress,
         const std::function<void(const std::string&)>& warn)
      : file_system_(file_system), progress_(progress), warn_(warn) {}

  // `name` in `parent` becomes a copy of `file`. `path` is where that is below the target.
  Status Copy(int parent, const std::string& name, const InsideFile& file, const std::string& path,
              int depth) {
    if (progress_.cancelled) return Cancelled("interrupted");
    switch (file.kind) {
      case InsideKind::kDirectory:
        return CopyDirectory(parent, name, file, path, depth);
      case InsideKind::kFile:
        return CopyFile(parent, name, file, path);
      case InsideKind::kLink:
        return CopyLink(parent, name, file, path);
      case InsideKind::kOther:
        break;
    }
    return Unsupported("is no file, directory or link");
  }

  void OpenRoot(int root) { root_ = root; }
  const CopyOutReport& report() const { return report_; }

 private:
  Status CopyDirectory(int parent, const std::string& name, const InsideFile& directory,
                       const std::string& path, int depth) {
    if (depth > kDepthMax) return Unsupported("is nested too deep");
    // A directory has one place; a second one is a loop or a lie.
    if (!directories_.insert(directory.inode).second) {
      return Corruption("directory inode " + std::to_string(directory.inode) + " is in two places");
    }
    VARVE_ASSIGN_OR_RETURN(const std::vector<InsideEntry> entries, file_system_.List(directory));
    if (mkdirat(parent, name.c_str(), 0700) != 0) return Failed("creating the directory");
    const FileDescriptor opened(
        openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened.valid()) return Failed("opening the directory");
    for (const InsideEntry& entry : entries) {
      const std::string below = path.empty() ? entry.name : path + "/" + entry.name;
      Status status = entry.status;
      if (status.ok()) status = Copy(opened.get(), entry.name, entry.file, below, depth + 1);
      if (EndsAll(status)) return status;
      if (!status.ok()) Skip(below, status);
    }
    ++report_.directories;
    return Finish(opened.get(), directory);
  }

  Status CopyFile(int parent, const std::string& name, const InsideFile& file,
                  const std::string& path) {
    // A second name of a file that was copied becomes a second name of the copy.
    if (const auto first = copied_.find(file.inode); first != copied_.end()) {
      if (linkat(root_, first->second.c_str(), parent, name.c_str(), 0) != 0) {
        return Failed("linking it to " + first->second);
      }
      ++report_.files;
      return {};
    }
    const FileDescriptor to(
        openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!to.valid()) return Failed("creating it");
    Status status = CopyBytes(to.get(), file);
    if (status.ok()) status = Finish(to.get(), file);
    if (!status.ok()) {
      // Half a file under the name of a whole one would be a lie.
      unlinkat(parent, name.c_str(), 0);
      return status;
    }
    if (file.links > 1) copied_[file.inode] = path;
    ++report_.files;
    return {};
  }

  Status CopyBytes(int to, const InsideFile& file) {
    VARVE_RETURN_IF_ERROR(
        file_system_.ReadFile(file, [&](uint64_t offset, ByteSpan bytes) -> Status {
          if (progress_.cancelled) return Cancelled("interrupted");
          progress_.bytes_done += bytes.size();
          return WriteData(to, offset, bytes);
        }));
    if (ftruncate(to, static_cast<off_t>(file.size_bytes)) != 0) {
      return Failed("making it " + std::to_string(file.size_bytes) + " bytes");
    }
    return {};
  }

  // All but whole zero blocks.
  Status WriteData(int to, uint64_t offset, ByteSpan bytes) {
    while (!bytes.empty()) {
      const ByteSpan block = bytes.first(std::min(bytes.size(), kHoleBytes));
      if (!IsAllZero(block)) {
        for (size_t done = 0; done < block.size();) {
          const ssize_t wrote = pwrite(to, block.data() + done, block.size() - done,
                                       static_cast<off_t>(offset + done));
          if (wrote < 0 && errno == EINTR) continue;
          if (wrote < 0) return Failed("writing it");
          done += static_cast<size_t>(wrote);
        }
        report_.bytes += block.size();
        // What the file system holds is all that its files can hold, each of them once.
        if (report_.bytes > file_system_.size_bytes()) {
          return Status(Code::kDenied, "the files claim more data than the file system holds");
        }
      }
      offset += block.size();
      bytes = bytes.subspan(block.size());
    }
    return {};
  }

  Status CopyLink(int parent, const std::string& name, const InsideFile& link, const std::string&) {
    VARVE_ASSIGN_OR_RETURN(const std::string target, file_system_.ReadLink(link));
    if (symlinkat(target.c_str(), parent, name.c_str()) != 0) return Failed("creating the link");
    ++report_.links;
    return {};
  }

  // Permissions without set-id bits, and the time.
  static Status Finish(int fd, const InsideFile& file) {
    const timespec modified{file.modified_unix_ns / 1'000'000'000,
                            file.modified_unix_ns % 1'000'000'000};
    const timespec times[] = {modified, modified};
    if (fchmod(fd, file.mode) != 0) return Failed("setting its permissions");
    if (futimens(fd, times) != 0) return Failed("setting its time");
    return {};
  }

  static Status Failed(const std::string& what) { return Status::FromErrno(errno, what); }

  void Skip(const std::string& path, const Status& why) {
    ++report_.skipped;
    warn_(path + " is left out: " + why.message());
  }

  ExtFileSystem& file_system_;
  Progress& progress_;
  const std::function<void(const std::string&)>& warn_;
  int root_ = -1;  // the directory that paths of `copied_` start from
  CopyOutReport report_;
  std::set<uint32_t> directories_;
  std::map<uint32_t, std::string> copied_;
};

}  // namespace

Result<CopyOutReport> CopyOut(ExtFileSystem& file_system, const InsideFile& source,
                              const std::string& target, Progress& progress,
                              const std::function<void(const std::string&)>& warn) {
  std::filesystem::path path = std::filesystem::path(target).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
  const FileDescriptor parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.valid()) return Status::FromErrno(errno, "target directory " + directory);
  const std::string name = path.filename().string();
  struct stat present {};
  if (fstatat(parent.get(), name.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0) {
    return AlreadyExists("target " + target + " exists");
  }
  progress.bytes_total = source.size_bytes;
  Copier copier(file_system, progress, warn);
  copier.OpenRoot(parent.get());
  VARVE_RETURN_IF_ERROR(
      copier.Copy(parent.get(), name, source, name, 0).WithContext("target " + target));
  return copier.report();
}

}  // namespace varve
