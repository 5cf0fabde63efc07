#include "fuse/node_attributes.h"

#include <unistd.h>

#include <cerrno>

#include "base/limits.h"
#include "fuse/mountpoint.h"

namespace varve {
namespace {

constexpr double kForeverSeconds = 86400;
constexpr double kMomentSeconds = 1;
constexpr uint64_t kBlockBytes = 512;
constexpr blksize_t kPreferredReadBytes = 1 * kMiB;

}  // namespace

int ErrnoOf(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
      return EINVAL;
    case Code::kNoSpace:
      return ENOSPC;
    case Code::kDenied:
      return EROFS;
    default:
      return EIO;
  }
}

int ErrnoOfLookup(const Status& status) {
  return status.code() == Code::kNotFound ? ENOENT : ErrnoOf(status);
}

int ErrnoOfRead(const Status&) {
  return EIO;
}

struct stat AttributesOf(const ServedNode& node, bool allow_other) {
  struct stat attributes {};
  const mode_t others = allow_other ? 0055 : 0;
  attributes.st_ino = node.inode;
  attributes.st_nlink = 1;
  attributes.st_uid = geteuid();
  attributes.st_gid = getegid();
  attributes.st_size = static_cast<off_t>(node.size_bytes);
  attributes.st_blksize = kPreferredReadBytes;
  attributes.st_blocks = static_cast<blkcnt_t>(DivideUp(node.data_bytes, kBlockBytes));
  attributes.st_mtim = {node.time_unix_ns / 1'000'000'000, node.time_unix_ns % 1'000'000'000};
  attributes.st_ctim = attributes.st_atim = attributes.st_mtim;
  switch (node.kind) {
    case ServedKind::kDirectory:
      attributes.st_mode = S_IFDIR | 0500 | others;
      attributes.st_nlink = 2;
      break;
    case ServedKind::kFile:
      attributes.st_mode = S_IFREG | (node.writable ? 0600 : 0400) | (others & 0044);
      break;
    case ServedKind::kLink:
      attributes.st_mode = S_IFLNK | 0777;
      break;
  }
  return attributes;
}

double KeepSecondsOf(const ServedNode& node) {
  return node.may_change ? kMomentSeconds : kForeverSeconds;
}

Result<ExtendedAttributes> ExtendedAttributesOf(ServedTree& tree, InodeNumber inode) {
  VARVE_ASSIGN_OR_RETURN(ServedNode node, tree.Get(inode));
  if (inode == kRootInode) {
    node.attributes.emplace_back(kProcessAttribute, std::to_string(getpid()));
  }
  return std::move(node.attributes);
}

Result<std::optional<uint64_t>> SeekIn(VolumeView& view, uint64_t offset, bool want_data) {
  while (offset < view.size_bytes()) {
    VARVE_ASSIGN_OR_RETURN(const ViewExtent extent, view.NextExtent(offset));
    if (extent.is_data == want_data) return std::optional<uint64_t>(offset);
    offset = extent.end;
  }
  return want_data ? std::nullopt : std::optional<uint64_t>(view.size_bytes());
}

}  // namespace varve
