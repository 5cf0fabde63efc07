// Captures on real file systems: clones on XFS, freezes, and the thaw that nobody can prevent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "agent/capture/frozen_file_system.h"
#include "agent/capture/reflink_clone.h"
#include "agent/mounted_image.h"
#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {
namespace {

using std::chrono::milliseconds;

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// A process that makes and syncs a file, which it cannot while the file system is frozen.
class Writer {
 public:
  explicit Writer(const std::string& path) : process_(fork()) {
    if (process_ != 0) return;
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    _exit(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 ? 0 : 1);
  }
  // Whether it was done within the time.
  bool Done(int within_ms) {
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));
    pollfd polled{descriptor, POLLIN, 0};
    const bool ended = poll(&polled, 1, within_ms) == 1;
    close(descriptor);
    if (!ended) return false;
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  ~Writer() {
    if (process_ < 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_;
};

class XfsCapture : public testing::Test {
 protected:
  void SetUp() override {
    if (!xfs_.refused().empty()) GTEST_SKIP() << xfs_.refused();
  }

  TemporaryDirectory directory_;
  MountedImage xfs_{directory_.File("xfs.img"),
                    directory_.File("mnt"),
                    kXfsSizeMin,
                    {"mkfs.xfs", "-q", "-m", "reflink=1"}};
};

TEST_F(XfsCapture, AClonesContentStaysWhatItWas) {
  const std::string volume = xfs_.File("volume.img");
  Write(volume, std::string(1 << 20, 'a'));
  const std::string clone = ClonePathOf(volume, "one");
  ASSERT_TRUE(IsOk(CloneFile(volume, clone)));
  Write(volume, std::string(1 << 20, 'b'));
  EXPECT_EQ(Content(clone), std::string(1 << 20, 'a'));
  struct stat status {};
  ASSERT_EQ(stat(clone.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_TRUE(HasCode(CloneFile(volume, clone), Code::kAlreadyExists));
}

TEST_F(XfsCapture, AFileSystemThatCannotCloneLeavesNothing) {
  const std::string volume = xfs_.File("volume.img");
  Write(volume, "content");
  const std::string other = directory_.File("elsewhere");
  EXPECT_TRUE(HasCode(CloneFile(volume, other), Code::kUnsupported));
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(XfsCapture, WritersStandStillUntilTheThaw) {
  auto frozen = FrozenFileSystem::Freeze(xfs_.mountpoint(), milliseconds(8000), {"/var/tmp"});
  ASSERT_TRUE(IsOk(frozen));
  EXPECT_TRUE(
      HasCode(FrozenFileSystem::Freeze(xfs_.mountpoint(), milliseconds(8000), {}), Code::kBusy));
  Writer writer(xfs_.File("written"));
  EXPECT_FALSE(writer.Done(200));
  EXPECT_TRUE(IsOk((*frozen)->Thaw()));
  EXPECT_TRUE(writer.Done(10'000));
}

TEST_F(XfsCapture, TheWatchdogThawsWhenTheTimeIsOver) {
  auto frozen = FrozenFileSystem::Freeze(xfs_.mountpoint(), milliseconds(300), {});
  ASSERT_TRUE(IsOk(frozen));
  Writer writer(xfs_.File("written"));
  EXPECT_TRUE(writer.Done(10'000));
  const Status status = (*frozen)->Thaw();
  EXPECT_TRUE(HasCode(status, Code::kIo));
  EXPECT_TRUE(Mentions(status, "for too long"));
}

TEST_F(XfsCapture, KillingTheFreezerThawsWithinTenSeconds) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t freezer = fork();
  if (freezer == 0) {
    auto frozen = FrozenFileSystem::Freeze(xfs_.mountpoint(), milliseconds(9000), {});
    const char word = frozen.ok() ? 'f' : 'e';
    if (write(ends[1], &word, 1) != 1) _exit(1);
    while (true)
      pause();
  }
  char word = 0;
  ASSERT_EQ(read(ends[0], &word, 1), 1);
  ASSERT_EQ(word, 'f');
  Writer writer(xfs_.File("written"));
  EXPECT_FALSE(writer.Done(200)) << "it was not frozen";
  kill(freezer, SIGKILL);
  waitpid(freezer, nullptr, 0);
  EXPECT_TRUE(writer.Done(10'000));
  close(ends[0]);
  close(ends[1]);
}

TEST_F(XfsCapture, WhatHoldsTheRepositoryIsNeverFrozen) {
  std::filesystem::create_directories(xfs_.File("repository"));
  EXPECT_TRUE(HasCode(CheckMayFreeze(xfs_.mountpoint(), {xfs_.File("repository")}), Code::kDenied));
  EXPECT_TRUE(HasCode(CheckMayFreeze("/", {}), Code::kDenied));
  EXPECT_TRUE(Mentions(CheckMayFreeze(directory_.path(), {}), "nothing is mounted there"));
  EXPECT_TRUE(IsOk(CheckMayFreeze(xfs_.mountpoint(), {directory_.path(), "/no/such/path"})));
  EXPECT_TRUE(IsOk(ThawIfFrozen(xfs_.mountpoint())));
}

}  // namespace
}  // namespace varve::agent
