#include "fuse/volume_tree.h"

#include "base/clock.h"

namespace varve {
namespace {
constexpr InodeNumber kFileInode = 2;
}

std::vector<std::pair<std::string, std::string>> SnapshotAttributes(const SnapshotRecord& record) {
  return {{"user.varve.id", record.id.Hex()},
          {"user.varve.volume", record.volume_name},
          {"user.varve.root", record.root.Hex()},
          {"user.varve.time", FormatUtc(record.start_unix_ns)},
          {"user.varve.consistency", std::string(ConsistencyName(record.consistency))}};
}

VolumeTree::VolumeTree(std::shared_ptr<VolumeView> view, const SnapshotRecord& record,
                       uint64_t data_bytes)
    : view_(std::move(view)) {
  root_.inode = root_.parent = kRootInode;
  root_.time_unix_ns = record.start_unix_ns;
  file_.inode = kFileInode;
  file_.parent = kRootInode;
  file_.kind = ServedKind::kFile;
  file_.name = "volume.raw";
  file_.size_bytes = view_->size_bytes();
  file_.data_bytes = data_bytes;
  file_.time_unix_ns = record.start_unix_ns;
  file_.writable = view_->writable();
  file_.attributes = SnapshotAttributes(record);
}

Result<ServedNode> VolumeTree::Lookup(InodeNumber parent, const std::string& name) {
  if (parent == kRootInode && name == file_.name) return file_;
  return NotFound(name + " is not there");
}

Result<ServedNode> VolumeTree::Get(InodeNumber inode) {
  if (inode == kRootInode) return root_;
  if (inode == kFileInode) return file_;
  return NotFound("there is no inode " + std::to_string(inode));
}

Result<std::vector<ServedNode>> VolumeTree::List(InodeNumber) {
  return std::vector<ServedNode>{file_};
}

Result<std::shared_ptr<VolumeView>> VolumeTree::Open(InodeNumber) {
  return view_;
}

}  // namespace varve
