// Mounts of volumes in memory: what the kernel and programs see of reads, writes, holes, failures
// and requests that hang.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "fuse/mount_server.h"
#include "fuse/mountpoint.h"
#include "fuse/volume_tree.h"
#include "io/file_descriptor.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

constexpr uint64_t kSize = 8 * kMiB + 100;
constexpr uint64_t kBlock = 64 * kKiB;

class MemoryView : public VolumeView {
 public:
  explicit MemoryView(bool writable) : writable_(writable), bytes_(RandomBytes(1, kSize)) {
    std::fill(bytes_.begin() + 2 * kMiB, bytes_.begin() + 3 * kMiB, uint8_t{0});
  }

  uint64_t size_bytes() const override { return bytes_.size(); }
  bool writable() const override { return writable_; }
  Status ReadAt(uint64_t offset, MutableByteSpan into) override {
    VARVE_RETURN_IF_ERROR(CheckRange(offset, into.size()));
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !hanging; });
    if (offset < damaged_end && offset + into.size() > damaged_begin) {
      return Corruption("object x, range " + std::to_string(damaged_begin));
    }
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), into.size(), into.begin());
    return {};
  }
  Result<ViewExtent> NextExtent(uint64_t offset) override {
    const std::lock_guard lock(mutex_);
    const auto is_data = [&](uint64_t at) {
      const uint64_t begin = RoundDown(at, kBlock);
      return !IsAllZero({bytes_.data() + begin, std::min(kBlock, bytes_.size() - begin)});
    };
    uint64_t end = std::min<uint64_t>(RoundDown(offset, kBlock) + kBlock, bytes_.size());
    while (end < bytes_.size() && is_data(end) == is_data(offset)) {
      end = std::min<uint64_t>(end + kBlock, bytes_.size());
    }
    return ViewExtent{offset, end, is_data(offset)};
  }
  Status WriteAt(uint64_t offset, ByteSpan from) override {
    VARVE_RETURN_IF_ERROR(CheckRange(offset, from.size()));
    const std::lock_guard lock(mutex_);
    if (full) return {Code::kNoSpace, "the overlay is full"};
    std::copy(from.begin(), from.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset));
    return {};
  }
  Status Punch(uint64_t offset, uint64_t length) override {
    VARVE_RETURN_IF_ERROR(CheckRange(offset, length));
    const std::lock_guard lock(mutex_);
    std::fill_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), length, uint8_t{0});
    return {};
  }
  Status Sync() override {
    ++syncs;
    return full ? Status(Code::kIo, "the overlay could not be synced") : Status();
  }
  Bytes Content() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }
  void Hang(bool value) {
    const std::lock_guard lock(mutex_);
    hanging = value;
    released_.notify_all();
  }

  std::atomic<int> syncs{0};
  std::atomic<bool> full{false};
  std::atomic<uint64_t> damaged_begin{0};
  std::atomic<uint64_t> damaged_end{0};

 private:
  const bool writable_;
  std::mutex mutex_;
  std::condition_variable released_;
  Bytes bytes_;  // guarded by mutex_, like hanging
  bool hanging = false;
};

class MountedView : public testing::Test {
 protected:
  void SetUp() override {
    const FileDescriptor device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device.valid()) GTEST_SKIP() << "/dev/fuse cannot be opened here";
  }

  void Mount(bool writable, std::chrono::milliseconds time_limit = std::chrono::seconds(25)) {
    view_ = std::make_shared<MemoryView>(writable);
    SnapshotRecord record;
    record.volume_name = "memory";
    record.id.bytes.fill(0xab);
    tree_ = std::make_unique<VolumeTree>(view_, record, kSize - kMiB);
    settings_.mountpoint = directory_.path();
    settings_.source = "varve:a,b\\c";
    settings_.writable = writable;
    settings_.time_limit = time_limit;
    settings_.stop_fd = stop_.get();
    thread_ = std::thread([this] {
      result_ = ServeMount(
          settings_, *tree_,
          [this](const std::string& line) {
            const std::lock_guard lock(mutex_);
            log_ += line + "\n";
          },
          [this] { Signal(&ready_); });
      Signal(&ended_);
    });
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(120), [&] { return ready_ || ended_; });
    ASSERT_TRUE(ready_) << result_.message() << log_;
  }

  void Stop() {
    if (!thread_.joinable()) return;
    const uint64_t one = 1;
    VARVE_CHECK(write(stop_.get(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
  }
  void TearDown() override {
    if (view_ != nullptr) view_->Hang(false);
    Stop();
    EXPECT_FALSE(*FindMount(directory_.path()));
  }

  void Signal(bool* flag) {
    const std::lock_guard lock(mutex_);
    *flag = true;
    changed_.notify_all();
  }
  std::string Log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  FileDescriptor OpenVolume(int flags) const {
    return FileDescriptor(open(directory_.File("volume.raw").c_str(), flags | O_CLOEXEC));
  }

  TemporaryDirectory directory_;
  const FileDescriptor stop_{eventfd(0, EFD_CLOEXEC)};
  MountSettings settings_;
  std::shared_ptr<MemoryView> view_;
  std::unique_ptr<VolumeTree> tree_;
  std::thread thread_;
  Status result_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;  // guarded by mutex_, like both below
  bool ready_ = false;
  bool ended_ = false;
};

TEST_F(MountedView, ReadsAsTheVolumeAndRefusesToBeWritten) {
  Mount(false);
  const FileDescriptor file = OpenVolume(O_RDONLY);
  ASSERT_TRUE(file.valid());
  Bytes read(kSize + 10);
  ASSERT_EQ(pread(file.get(), read.data(), read.size(), 0), static_cast<ssize_t>(kSize));
  read.resize(kSize);
  EXPECT_EQ(read, view_->Content());
  EXPECT_EQ(pread(file.get(), read.data(), 100, kSize), 0);
  EXPECT_FALSE(OpenVolume(O_RDWR).valid());
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(fsync(file.get()), 0);
  struct stat attributes {};
  ASSERT_EQ(fstat(file.get(), &attributes), 0);
  EXPECT_EQ(attributes.st_mode, static_cast<mode_t>(S_IFREG | 0400));
  EXPECT_LT(attributes.st_blocks * 512, attributes.st_size);
  struct statvfs statistics {};
  ASSERT_EQ(statvfs(directory_.path().c_str(), &statistics), 0);
  EXPECT_EQ(statistics.f_blocks * statistics.f_frsize, RoundUp(kSize, 4096));
  EXPECT_EQ(statistics.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC),
            static_cast<unsigned long>(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
  char id[64] = {};
  EXPECT_EQ(fgetxattr(file.get(), "user.varve.id", id, sizeof(id)), 32);
  EXPECT_EQ(std::string(id), std::string("abababababababababababababababab"));
  EXPECT_EQ(fgetxattr(file.get(), "user.varve.id", id, 3), -1);
  EXPECT_EQ(errno, ERANGE);
  EXPECT_EQ(fgetxattr(file.get(), "user.other", id, sizeof(id)), -1);
  EXPECT_EQ(errno, ENODATA);
  const auto mount = FindMount(directory_.path());
  ASSERT_TRUE(IsOk(mount));
  EXPECT_EQ((*mount)->source, "varve:a,b\\c");
}

TEST_F(MountedView, SeeksDataAndHoles) {
  Mount(false);
  const FileDescriptor file = OpenVolume(O_RDONLY);
  EXPECT_EQ(lseek(file.get(), 100, SEEK_DATA), 100);
  EXPECT_EQ(lseek(file.get(), 100, SEEK_HOLE), static_cast<off_t>(2 * kMiB));
  EXPECT_EQ(lseek(file.get(), 2 * kMiB + 7, SEEK_HOLE), static_cast<off_t>(2 * kMiB + 7));
  EXPECT_EQ(lseek(file.get(), 2 * kMiB + 7, SEEK_DATA), static_cast<off_t>(3 * kMiB));
  EXPECT_EQ(lseek(file.get(), 3 * kMiB, SEEK_HOLE), static_cast<off_t>(kSize));
  EXPECT_EQ(lseek(file.get(), kSize, SEEK_DATA), -1);
  EXPECT_EQ(errno, ENXIO);
}

TEST_F(MountedView, WritesSyncsAndPunches) {
  Mount(true);
  Bytes truth = view_->Content();
  const FileDescriptor file = OpenVolume(O_RDWR);
  ASSERT_TRUE(file.valid());
  const Bytes piece = RandomBytes(2, 300'001);
  std::copy(piece.begin(), piece.end(), truth.begin() + 12345);
  ASSERT_EQ(pwrite(file.get(), piece.data(), piece.size(), 12345),
            static_cast<ssize_t>(piece.size()));
  EXPECT_EQ(view_->Content(), truth);  // written through, not kept by the kernel
  EXPECT_EQ(fsync(file.get()), 0);
  EXPECT_EQ(view_->syncs, 1);
  constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  ASSERT_EQ(fallocate(file.get(), kPunch, 4 * kMiB, kMiB), 0);
  std::fill_n(truth.begin() + 4 * kMiB, kMiB, uint8_t{0});
  ASSERT_EQ(fallocate(file.get(), kPunch, kSize - 50, kMiB), 0);  // past the end, too
  std::fill_n(truth.end() - 50, 50, uint8_t{0});
  Bytes read(kSize);
  ASSERT_EQ(pread(file.get(), read.data(), kSize, 0), static_cast<ssize_t>(kSize));
  EXPECT_EQ(read, truth);
  EXPECT_EQ(view_->Content(), truth);
  void* const mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  std::memset(mapped, 0x5a, 4096);
  EXPECT_EQ(msync(mapped, 4096, MS_SYNC), 0);
  munmap(mapped, 4096);
  EXPECT_EQ(view_->Content()[4095], 0x5a);
  EXPECT_EQ(pwrite(file.get(), "ab", 2, kSize - 1), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(ftruncate(file.get(), 100), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(fallocate(file.get(), 0, 0, 4096), -1);
  view_->full = true;
  EXPECT_EQ(pwrite(file.get(), "ab", 2, 0), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(fsync(file.get()), -1);
  EXPECT_EQ(errno, EIO);
}

TEST_F(MountedView, DamageIsAnErrorForJustItsRangeAndIsLogged) {
  Mount(false);
  const Bytes truth = view_->Content();
  view_->damaged_begin = 5 * kMiB + kBlock;
  view_->damaged_end = 5 * kMiB + 2 * kBlock;
  for (const bool backwards : {false, true}) {
    const FileDescriptor file = OpenVolume(O_RDONLY);
    for (uint64_t i = 0; i < kSize / kBlock; ++i) {
      const uint64_t at = (backwards ? kSize / kBlock - 1 - i : i) * kBlock;
      Bytes read(kBlock);
      errno = 0;
      const ssize_t got = pread(file.get(), read.data(), kBlock, static_cast<off_t>(at));
      if (at == view_->damaged_begin) {
        EXPECT_EQ(got, -1);
        EXPECT_EQ(errno, EIO);
      } else {
        ASSERT_EQ(got, static_cast<ssize_t>(kBlock)) << at;
        EXPECT_TRUE(
            std::equal(read.begin(), read.end(), truth.begin() + static_cast<ptrdiff_t>(at)));
      }
    }
  }
  EXPECT_NE(Log().find("object x, range 5308416"), std::string::npos) << Log();
  view_->damaged_end = 0;  // nothing remembers it
  Bytes read(kSize);
  const FileDescriptor file = OpenVolume(O_RDONLY);
  ASSERT_EQ(pread(file.get(), read.data(), kSize, 0), static_cast<ssize_t>(kSize));
  EXPECT_EQ(read, truth);
}

TEST_F(MountedView, AReadThatHangsIsAnErrorAndTheMountGoesOn) {
  Mount(false, std::chrono::seconds(4));
  const FileDescriptor file = OpenVolume(O_RDONLY | O_DIRECT);
  ASSERT_TRUE(file.valid());
  void* memory = nullptr;
  ASSERT_EQ(posix_memalign(&memory, 4096, 4096), 0);
  const std::unique_ptr<void, void (*)(void*)> block(memory, free);
  view_->Hang(true);
  EXPECT_EQ(pread(file.get(), block.get(), 4096, 0), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_NE(Log().find("not served in time"), std::string::npos) << Log();
  struct stat attributes {};
  EXPECT_EQ(fstat(file.get(), &attributes), 0);
  view_->Hang(false);
  EXPECT_EQ(pread(file.get(), block.get(), 4096, 4096), 4096);
  EXPECT_EQ(std::memcmp(block.get(), view_->Content().data() + 4096, 4096), 0);
}

TEST_F(MountedView, StopsWhileFilesAreOpen) {
  Mount(false);
  const FileDescriptor file = OpenVolume(O_RDONLY);
  ASSERT_TRUE(file.valid());
  Stop();
  EXPECT_TRUE(IsOk(result_));
  EXPECT_FALSE(*FindMount(directory_.path()));
  char byte = 0;
  EXPECT_EQ(pread(file.get(), &byte, 1, 0), -1);  // an error, not a hang
}

TEST_F(MountedView, EndsWhenItIsUnmountedFromOutside) {
  Mount(false);
  {
    const FileDescriptor file = OpenVolume(O_RDONLY);
    EXPECT_TRUE(HasCode(Unmount(directory_.path(), false, 0), Code::kBusy));
  }
  // Files are let go of after close returned, so for a moment it may still be busy.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  Status unmounted;
  do {
    unmounted = Detach(directory_.path(), false);
  } while (unmounted.code() == Code::kBusy && std::chrono::steady_clock::now() < deadline);
  EXPECT_TRUE(IsOk(unmounted));
  thread_.join();
  EXPECT_TRUE(IsOk(result_));
  EXPECT_TRUE(HasCode(Unmount(directory_.path(), false, 0), Code::kNotFound));
}

}  // namespace
}  // namespace varve
