#include "fuse/repository_tree.h"

#include <algorithm>

namespace varve {
namespace {

// Snapshots are looked for when somebody looks, but not more often than this.
constexpr int64_t kRefreshNs = 500'000'000;
// Volumes that stay open although nobody has them open: opening costs reading the root of a tree.
constexpr size_t kRecentMax = 8;

Status NoInode(InodeNumber inode) {
  return NotFound("there is no inode " + std::to_string(inode));
}

}  // namespace

Result<std::unique_ptr<RepositoryTree>> RepositoryTree::Create(SnapshotSource& source,
                                                               const Clock& clock) {
  std::unique_ptr<RepositoryTree> tree(new RepositoryTree(source, clock));
  const std::lock_guard lock(tree->mutex_);
  VARVE_RETURN_IF_ERROR(tree->RefreshLocked());
  return tree;
}

Status RepositoryTree::RefreshLocked() {
  const int64_t now = clock_.NowMonotonicNs();
  if (refreshed_ns_ && now - *refreshed_ns_ < kRefreshNs) return {};
  VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, source_.engine());
  Storage& storage = engine->repository().storage();
  std::set<std::string> found;
  for (const char* directory : {"snapshots", kTombstonesDirectory}) {
    const Result<std::vector<DirectoryEntry>> files = storage.List(directory);
    if (!files.ok() && files.status().code() != Code::kNotFound) return files.status();
    if (!files.ok()) continue;
    for (const DirectoryEntry& file : *files)
      found.insert(directory + ("/" + file.name));
  }
  if (!refreshed_ns_ || found != seen_) {
    VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, engine->List(""));
    names_.Update(records);
    const bool came = !std::includes(seen_.begin(), seen_.end(), found.begin(), found.end());
    seen_ = std::move(found);
    if (came && refreshed_ns_) {
      source_.Outdated();
      recent_.clear();  // what nobody has open lets go of the old index and its session
    }
  }
  refreshed_ns_ = now;
  return {};
}

Result<std::shared_ptr<SnapshotFile>> RepositoryTree::OpenLocked(InodeNumber file) {
  if (std::shared_ptr<SnapshotFile> open = files_[file].lock()) return open;
  const SnapshotRecord* const record = names_.RecordOf(file);
  if (record == nullptr) return NoInode(file);
  VARVE_ASSIGN_OR_RETURN(std::shared_ptr<SnapshotFile> opened,
                         SnapshotFile::Open(source_, *record));
  files_[file] = opened;
  if (recent_.size() >= kRecentMax) recent_.erase(recent_.begin());
  recent_.push_back(opened);
  return opened;
}

// A file with as many blocks as it has data, as far as that can be told: cp and tar look for holes
// only in files that have fewer than their size.
Result<ServedNode> RepositoryTree::WithDataBytesLocked(const ServedNode& node) {
  ServedNode result = node;
  if (node.kind != ServedKind::kFile) return result;
  const Result<std::shared_ptr<SnapshotFile>> file = OpenLocked(node.inode);
  if (!file.ok()) return result;
  const Result<uint64_t> data_bytes = (*file)->DataBytes();
  if (data_bytes.ok()) result.data_bytes = *data_bytes;
  return result;
}

Result<ServedNode> RepositoryTree::Lookup(InodeNumber parent, const std::string& name) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(RefreshLocked());
  const ServedNode* const node = names_.Lookup(parent, name);
  if (node == nullptr) return NotFound(name + " is not there");
  return WithDataBytesLocked(*node);
}

Result<ServedNode> RepositoryTree::Get(InodeNumber inode) {
  const std::lock_guard lock(mutex_);
  if (const ServedNode* node = names_.Find(inode); node != nullptr && node->may_change) {
    VARVE_RETURN_IF_ERROR(RefreshLocked());
  }
  const ServedNode* const node = names_.Find(inode);
  if (node == nullptr) return NoInode(inode);
  return WithDataBytesLocked(*node);
}

Result<std::vector<ServedNode>> RepositoryTree::List(InodeNumber directory) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(RefreshLocked());
  return names_.List(directory);
}

Result<std::shared_ptr<VolumeView>> RepositoryTree::Open(InodeNumber file) {
  const std::lock_guard lock(mutex_);
  VARVE_ASSIGN_OR_RETURN(std::shared_ptr<SnapshotFile> open, OpenLocked(file));
  return std::shared_ptr<VolumeView>(std::move(open));
}

uint64_t RepositoryTree::TotalBytes() {
  const std::lock_guard lock(mutex_);
  return names_.total_bytes();
}

}  // namespace varve
