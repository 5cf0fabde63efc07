#include "restore/instant_restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/limits.h"
#include "io/file_descriptor.h"

namespace varve {
namespace {

// One piece of the background fill: what a reader waits for the lock of a range at most.
constexpr uint64_t kPieceBytes = 1 * kMiB;
// After so much the map is made durable: what a crash makes the fill do again.
constexpr uint64_t kSyncEvery = 64 * kMiB;
constexpr size_t kFaultsMax = 1024;
constexpr int64_t kSecond = 1'000'000'000;

std::string FillingDirectory(const std::string& target, const SnapshotId& snapshot) {
  return target + ".varve-" + snapshot.Short() + ".filling";
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

Status SyncDirectory(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Status::FromErrno(errno, "sync " + path);
  return {};
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// A target that is there is whole: it got its name last. What an interrupted end of that restore
// left beside it is removed.
Status CheckNoTarget(const std::string& target, const std::string& filling) {
  struct stat info {};
  if (lstat(target.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : Status::FromErrno(errno, "target " + target);
  }
  if (S_ISBLK(info.st_mode)) {
    return Unsupported("target " + target +
                       " is a device: an instant restore makes a file, which has no name until it "
                       "is whole");
  }
  const bool left_over = lstat(filling.c_str(), &info) == 0 &&
                         lstat((filling + "/data").c_str(), &info) != 0 && errno == ENOENT;
  if (!left_over) return AlreadyExists("target " + target + " exists");
  RemoveTree(filling);
  return AlreadyExists("target " + target + " exists: this restore was completed before");
}

}  // namespace

class InstantRestore::FaultView : public VolumeView {
 public:
  explicit FaultView(InstantRestore& restore)
      : restore_(restore),
        overlay_(restore.directory_->overlay()),
        view_(restore.directory_->view()) {}

  uint64_t size_bytes() const override { return view_.size_bytes(); }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    VARVE_RETURN_IF_ERROR(view_.ReadAt(offset, into));
    if (!into.empty()) {
      const Overlay::Run run = overlay_.RunAt(offset);
      if (!run.is_mapped || run.end < offset + into.size()) restore_.NoteFault(offset);
    }
    return {};
  }
  Result<ViewExtent> NextExtent(uint64_t offset) override { return view_.NextExtent(offset); }
  bool writable() const override { return true; }
  Status WriteAt(uint64_t offset, ByteSpan from) override { return view_.WriteAt(offset, from); }
  Status Punch(uint64_t offset, uint64_t length) override { return view_.Punch(offset, length); }
  Status Sync() override { return view_.Sync(); }

 private:
  InstantRestore& restore_;
  Overlay& overlay_;
  OverlayView& view_;
};

Result<std::unique_ptr<InstantRestore>> InstantRestore::Open(const std::string& target,
                                                             const OverlayBinding& binding,
                                                             std::shared_ptr<VolumeView> snapshot) {
  const std::string filling = FillingDirectory(target, binding.snapshot);
  VARVE_RETURN_IF_ERROR(CheckNoTarget(target, filling));
  std::unique_ptr<InstantRestore> restore(new InstantRestore());
  restore->target_ = target;
  VARVE_ASSIGN_OR_RETURN(restore->directory_,
                         OverlayDirectory::Open(filling, binding, std::move(snapshot),
                                                "instant restore to " + target));
  // The directory's own name: without it the data would be gone after a power cut.
  VARVE_RETURN_IF_ERROR(SyncDirectory(ParentOf(target)));
  restore->view_ = std::make_unique<FaultView>(*restore);
  restore->bytes_found_ = restore->BytesThere();
  return restore;
}

InstantRestore::~InstantRestore() = default;

uint64_t InstantRestore::BytesThere() const {
  const Overlay& overlay = directory_->overlay();
  return std::min(overlay.CountMapped() * kOverlayBlock, overlay.size_bytes());
}

void InstantRestore::NoteFault(uint64_t offset) {
  {
    const std::lock_guard lock(mutex_);
    // The oldest ones can wait for the background: their readers have been served.
    if (faults_.size() == kFaultsMax) faults_.pop_front();
    faults_.push_back(offset);
  }
  fault_came_.notify_one();
}

// Fills what was asked for last; false if nothing was.
Result<bool> InstantRestore::FillFault() {
  uint64_t offset = 0;
  {
    const std::lock_guard lock(mutex_);
    if (faults_.empty()) return false;
    offset = faults_.back();
    faults_.pop_back();
  }
  offset = RoundDown(offset, kChunkSizeMax);
  const uint64_t end = std::min(offset + kChunkSizeMax, directory_->overlay().size_bytes());
  while (offset < end)
    VARVE_RETURN_IF_ERROR(FillPiece(&offset));
  return true;
}

Status InstantRestore::FillPiece(uint64_t* offset) {
  Overlay& overlay = directory_->overlay();
  const uint64_t before = overlay.CountMapped();
  VARVE_ASSIGN_OR_RETURN(*offset, directory_->view().FillPiece(*offset, kPieceBytes));
  // Blocks that others write meanwhile are counted too: it is a measure of when to sync.
  bytes_unsynced_ += (overlay.CountMapped() - before) * kOverlayBlock;
  if (bytes_unsynced_ < kSyncEvery) return {};
  bytes_unsynced_ = 0;
  return overlay.Sync();
}

void InstantRestore::WaitForRate(uint64_t bytes_per_second, const Clock& clock, int64_t start_ns,
                                 const Progress& progress) {
  if (bytes_per_second == 0) return;
  const double due_seconds =
      static_cast<double>(bytes_paced_) / static_cast<double>(bytes_per_second);
  const int64_t due_ns = start_ns + static_cast<int64_t>(due_seconds * kSecond);
  const int64_t wait_ns = due_ns - clock.NowMonotonicNs();
  if (wait_ns <= 0 || progress.cancelled) return;
  std::unique_lock lock(mutex_);
  // In short steps, to hear of the wish to stop.
  fault_came_.wait_for(lock, std::chrono::nanoseconds(std::min(wait_ns, kSecond / 10)),
                       [&] { return !faults_.empty(); });
}

Status InstantRestore::Fill(uint64_t bytes_per_second, const Clock& clock, Progress& progress) {
  Overlay& overlay = directory_->overlay();
  progress.bytes_total = overlay.size_bytes();
  bytes_paced_ = 0;
  const int64_t start_ns = clock.NowMonotonicNs();
  for (uint64_t offset = 0; offset < overlay.size_bytes();) {
    progress.bytes_done = BytesThere();
    if (progress.cancelled) {
      VARVE_RETURN_IF_ERROR(overlay.Sync());
      return Cancelled("interrupted");
    }
    VARVE_ASSIGN_OR_RETURN(const bool was_fault, FillFault());
    if (was_fault) continue;
    const double seconds = static_cast<double>(clock.NowMonotonicNs() - start_ns) / kSecond;
    if (bytes_per_second != 0 &&
        static_cast<double>(bytes_paced_) > seconds * static_cast<double>(bytes_per_second)) {
      WaitForRate(bytes_per_second, clock, start_ns, progress);
      continue;
    }
    const uint64_t before = overlay.CountMapped();
    VARVE_RETURN_IF_ERROR(FillPiece(&offset));
    bytes_paced_ += (overlay.CountMapped() - before) * kOverlayBlock;
  }
  VARVE_RETURN_IF_ERROR(overlay.Sync());
  // Beyond this point every block is in the target's bytes, durably.
  progress.bytes_done = overlay.size_bytes();
  return {};
}

Status InstantRestore::Finish() {
  Overlay& overlay = directory_->overlay();
  VARVE_RETURN_IF_ERROR(overlay.Sync());
  VARVE_CHECK(overlay.CountMapped() == overlay.block_count());
  const std::string filling = directory_->path();
  const std::string data = filling + "/data";
  if (renameat2(AT_FDCWD, data.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
    return Status::FromErrno(errno, "rename " + data + " to " + target_);
  }
  VARVE_RETURN_IF_ERROR(SyncDirectory(ParentOf(target_)));
  // Beyond this point the target is there. Its last name is gone before the map that knows it.
  VARVE_RETURN_IF_ERROR(SyncDirectory(filling));
  RemoveTree(filling);
  return {};
}

}  // namespace varve
