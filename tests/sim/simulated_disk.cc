#include "sim/simulated_disk.h"

#include <algorithm>

namespace varve {
namespace {

std::string Normalize(const std::string& path) {
  return path == "." ? std::string() : path;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

Status Fail(const Fault& fault, const std::string& what) {
  return Status::FromErrno(fault.error_number, what + " (simulated)");
}

}  // namespace

// The handle of a file of the disk, which outlives it.
class SimulatedFile : public WritableFile {
 public:
  SimulatedFile(SimulatedDisk& disk, std::string path, std::shared_ptr<SimulatedDisk::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
  Status Append(ByteSpan bytes) override { return disk_.AppendTo(path_, *file_, bytes); }
  Status Sync() override { return disk_.SyncFile(path_, *file_); }

 private:
  SimulatedDisk& disk_;
  const std::string path_;
  const std::shared_ptr<SimulatedDisk::File> file_;
};

// The handle of a file that is changed in place. A hole is zeros that were written.
class SimulatedUpdatableFile : public UpdatableFile {
 public:
  SimulatedUpdatableFile(SimulatedDisk& disk, std::string path,
                         std::shared_ptr<SimulatedDisk::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    return disk_.ReadFrom(path_, *file_, offset, into);
  }
  Status WriteAt(uint64_t offset, ByteSpan bytes) override {
    return disk_.UpdateAt(path_, *file_, offset, bytes);
  }
  Status Punch(uint64_t offset, uint64_t length) override {
    return disk_.UpdateAt(path_, *file_, offset, Bytes(length));
  }
  Status Sync() override { return disk_.SyncFile(path_, *file_); }

 private:
  SimulatedDisk& disk_;
  const std::string path_;
  const std::shared_ptr<SimulatedDisk::File> file_;
};

Bytes& SimulatedDisk::File::Writable() {
  if (content.use_count() > 1) content = std::make_shared<Bytes>(*content);
  return *content;
}

SimulatedDisk::SimulatedDisk() {
  names_[""] = {};
  durable_names_[""] = {};
}

std::unique_lock<std::mutex> SimulatedDisk::Begin(OperationKind kind, const std::string& path,
                                                  std::optional<Fault>* fault) const {
  const Operation operation{.kind = kind, .path = path};
  std::unique_lock lock(mutex_);
  if (observer_) {
    const Observer observer = observer_;
    lock.unlock();
    observer(operation);
    lock.lock();
  }
  *fault = faults_.Admit(operation);
  return lock;
}

Status SimulatedDisk::CheckDirectory(const std::string& path, const std::string& what) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return Status::FromErrno(ENOENT, what);
  if (found->second.file != nullptr) return Status::FromErrno(ENOTDIR, what);
  return OkStatus();
}

Result<std::shared_ptr<SimulatedDisk::File>> SimulatedDisk::FindFile(
    const std::string& path, const std::string& what) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return Status::FromErrno(ENOENT, what);
  if (found->second.file == nullptr) return Status::FromErrno(EISDIR, what);
  return found->second.file;
}

void SimulatedDisk::Apply(const std::vector<Edit>& edits, Names& names) {
  for (const Edit& edit : edits) {
    if (edit.entry) {
      names[edit.path] = *edit.entry;
    } else {
      names.erase(edit.path);
    }
  }
}

void SimulatedDisk::Change(const std::string& directory, std::vector<Edit> edits) {
  Apply(edits, names_);
  unsynced_.push_back({.directory = directory, .edits = std::move(edits)});
}

Result<std::unique_ptr<WritableFile>> SimulatedDisk::Create(const std::string& path) {
  const std::string what = path + ": creating";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kCreate, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(CheckDirectory(DirectoryOf(path), what));
  if (names_.contains(path)) return Status::FromErrno(EEXIST, what);
  auto file = std::make_shared<File>();
  Change(DirectoryOf(path), {{path, Entry{file}}});
  return std::unique_ptr<WritableFile>(std::make_unique<SimulatedFile>(*this, path, file));
}

Status SimulatedDisk::AppendTo(const std::string& path, File& file, ByteSpan bytes) {
  const std::string what = path + ": writing " + std::to_string(bytes.size()) +
                           " bytes at offset " + std::to_string(file.content->size());
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kAppend, path, &fault);
  const uint64_t room = capacity_ - std::min(UsedLocked(), capacity_);
  if (!fault && bytes.size() > room) fault = Fault{.error_number = ENOSPC, .short_write = true};
  if (fault && fault->short_write) bytes = bytes.first(std::min(bytes.size() / 2, room));
  if (!fault || fault->short_write) {
    AppendBytes(file.Writable(), bytes);
    file.appends.push_back(file.content->size());
  }
  return fault ? Fail(*fault, what) : OkStatus();
}

Result<std::unique_ptr<UpdatableFile>> SimulatedDisk::OpenForUpdate(const std::string& path,
                                                                    uint64_t size_bytes) {
  const std::string what = path + ": opening";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kCreate, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(CheckDirectory(DirectoryOf(path), what));
  if (!names_.contains(path)) {
    Change(DirectoryOf(path), {{path, Entry{std::make_shared<File>()}}});
  }
  VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, FindFile(path, what));
  if (!file->durable) {
    file->durable = Bytes(file->content->begin(),
                          file->content->begin() + static_cast<ptrdiff_t>(file->synced));
  }
  if (file->content->size() < size_bytes) file->Writable().resize(size_bytes);
  return std::unique_ptr<UpdatableFile>(
      std::make_unique<SimulatedUpdatableFile>(*this, path, file));
}

Status SimulatedDisk::ReadFrom(const std::string& path, const File& file, uint64_t offset,
                               MutableByteSpan into) {
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kRead, path, &fault);
  if (fault) return Fail(*fault, path + ": reading at offset " + std::to_string(offset));
  std::fill(into.begin(), into.end(), uint8_t{0});
  const uint64_t size = file.content->size();
  if (offset >= size) return OkStatus();
  std::copy_n(file.content->data() + offset, std::min<uint64_t>(into.size(), size - offset),
              into.data());
  return OkStatus();
}

Status SimulatedDisk::UpdateAt(const std::string& path, File& file, uint64_t offset,
                               ByteSpan bytes) {
  const std::string what = path + ": writing " + std::to_string(bytes.size()) +
                           " bytes at offset " + std::to_string(offset);
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kAppend, path, &fault);
  if (fault && fault->short_write) bytes = bytes.first(bytes.size() / 2);
  if (!fault || fault->short_write) {
    file.updates.push_back({offset, Bytes(bytes.begin(), bytes.end())});
    ApplyUpdate(file.updates.back(), file.Writable());
  }
  return fault ? Fail(*fault, what) : OkStatus();
}

void SimulatedDisk::ApplyUpdate(const Update& update, Bytes& content) {
  const size_t end = update.offset + update.bytes.size();
  if (content.size() < end) content.resize(end);
  std::copy(update.bytes.begin(), update.bytes.end(),
            content.begin() + static_cast<ptrdiff_t>(update.offset));
}

Status SimulatedDisk::SyncFile(const std::string& path, File& file) {
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kSync, path, &fault);
  const bool powered = !faults_.frozen();
  if (powered && file.durable) {
    for (const Update& update : file.updates) {
      if (!fault) ApplyUpdate(update, *file.durable);
    }
    file.updates.clear();  // durable, or lost for good
    return fault ? Fail(*fault, path + ": syncing") : OkStatus();
  }
  if (fault && powered && file.synced < file.content->size()) {
    file.lost.emplace_back(file.synced, file.content->size());
  }
  if (powered) {
    file.synced = file.content->size();
    file.appends.clear();
  }
  return fault ? Fail(*fault, path + ": syncing") : OkStatus();
}

Status SimulatedDisk::Rename(const std::string& from, const std::string& to) {
  const std::string what = from + ": renaming to " + to;
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kRename, from, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, FindFile(from, what));
  VARVE_RETURN_IF_ERROR(CheckDirectory(DirectoryOf(to), what));
  if (names_.contains(to)) return Status::FromErrno(EEXIST, what);
  Change(DirectoryOf(to), {{from, std::nullopt}, {to, Entry{file}}});
  return OkStatus();
}

Status SimulatedDisk::Remove(const std::string& path) {
  const std::string what = path + ": removing";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kRemove, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(FindFile(path, what).status());
  Change(DirectoryOf(path), {{path, std::nullopt}});
  return OkStatus();
}

Status SimulatedDisk::CreateDirectory(const std::string& path) {
  const std::string what = path + ": creating the directory";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kCreateDirectory, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(CheckDirectory(DirectoryOf(path), what));
  const auto found = names_.find(path);
  if (found != names_.end()) {
    return found->second.file == nullptr ? OkStatus() : Status::FromErrno(EEXIST, what);
  }
  Change(DirectoryOf(path), {{path, Entry{}}});
  return OkStatus();
}

Status SimulatedDisk::RemoveDirectory(const std::string& path) {
  const std::string what = path + "/: removing the directory";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kRemove, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(CheckDirectory(path, what));
  const auto child = names_.upper_bound(path + "/");
  if (child != names_.end() && child->first.starts_with(path + "/")) {
    return Status::FromErrno(ENOTEMPTY, what);
  }
  Change(DirectoryOf(path), {{path, std::nullopt}});
  return OkStatus();
}

Status SimulatedDisk::SyncDirectory(const std::string& raw_path) {
  const std::string path = Normalize(raw_path);
  const std::string what = path + "/: syncing the directory";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kSyncDirectory, path, &fault);
  if (fault) {
    for (DirectoryChange& change : unsynced_) {
      if (change.directory == path && !faults_.frozen()) change.lost = true;
    }
    return Fail(*fault, what);
  }
  VARVE_RETURN_IF_ERROR(CheckDirectory(path, what));
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    if (unsynced_[i].directory != path || unsynced_[i].lost) continue;
    const std::vector<Edit> edits = std::move(unsynced_[i].edits);
    Apply(edits, durable_names_);
    // What happened to these names before can come back no more.
    for (size_t earlier = 0; earlier < i; ++earlier) {
      std::erase_if(unsynced_[earlier].edits, [&](const Edit& old) {
        return std::any_of(edits.begin(), edits.end(),
                           [&](const Edit& edit) { return edit.path == old.path; });
      });
    }
    unsynced_[i].edits.clear();
  }
  std::erase_if(unsynced_, [](const DirectoryChange& change) { return change.edits.empty(); });
  return OkStatus();
}

Result<std::vector<DirectoryEntry>> SimulatedDisk::List(const std::string& raw_path) {
  const std::string path = Normalize(raw_path);
  const std::string what = path + "/: listing";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kList, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_RETURN_IF_ERROR(CheckDirectory(path, what));
  const std::string prefix = path.empty() ? path : path + "/";
  std::vector<DirectoryEntry> entries;
  for (auto at = names_.lower_bound(prefix); at != names_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    const std::string name = at->first.substr(prefix.size());
    if (name.empty() || name.find('/') != std::string::npos) continue;
    const File* const file = at->second.file.get();
    entries.push_back({.name = name,
                       .size_bytes = file == nullptr ? 0 : file->content->size(),
                       .is_directory = file == nullptr});
  }
  return entries;
}

Result<uint64_t> SimulatedDisk::Size(const std::string& path) {
  const std::string what = path + ": asking for its size";
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kSize, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, FindFile(path, what));
  return uint64_t{file->content->size()};
}

Status SimulatedDisk::Read(const std::string& path, uint64_t offset, MutableByteSpan into) {
  const std::string what = path + ": reading " + std::to_string(into.size()) + " bytes at offset " +
                           std::to_string(offset);
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kRead, path, &fault);
  if (fault) return Fail(*fault, what);
  VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, FindFile(path, what));
  const uint64_t size_bytes = file->content->size();
  if (offset > size_bytes || into.size() > size_bytes - offset) {
    return Corruption(what + ": it ends at or before " + std::to_string(size_bytes));
  }
  std::copy_n(file->content->data() + offset, into.size(), into.data());
  return OkStatus();
}

Status SimulatedDisk::ReadMany(std::vector<ReadRequest>& requests) {
  Status first_failure;
  for (const ReadRequest& request : requests) {
    Status status = Read(request.path, request.offset, request.into);
    if (first_failure.ok()) first_failure = std::move(status);
  }
  return first_failure;
}

Result<uint64_t> SimulatedDisk::FreeBytes() {
  std::optional<Fault> fault;
  const auto lock = Begin(OperationKind::kFreeBytes, "", &fault);
  if (fault) return Fail(*fault, "asking for the free space");
  return capacity_ - std::min(UsedLocked(), capacity_);
}

void SimulatedDisk::Forget(const std::string&) {}

uint64_t SimulatedDisk::UsedLocked() const {
  if (capacity_ == UINT64_MAX) return 0;  // nobody counts
  uint64_t used = 0;
  for (const auto& [path, entry] : names_) {
    if (entry.file != nullptr) used += entry.file->content->size();
  }
  return used;
}

}  // namespace varve
