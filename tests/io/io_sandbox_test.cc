// Containers often refuse io_uring and openat2, and a daemon forks after it has opened things: the
// io room must do its work all the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "base/limits.h"
#include "io/block_reader.h"
#include "io/file_descriptor.h"
#include "io/posix_disk.h"
#include "io/storage.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

// From now on these system calls of this process fail with EPERM, as under Docker's defaults.
bool RefuseIoUringAndOpenat2() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Writes, publishes and reads; true if every byte came back.
bool DiskWorks(const std::string& directory, const std::string& name) {
  auto disk = OpenPosixDisk(directory);
  if (!disk.ok()) return false;
  Storage storage(**disk);
  const Bytes content = RandomBytes(1, 3 * kMiB + 99);
  if (!storage.CreateDirectory("d").ok() || !storage.Publish("d/" + name, content).ok()) {
    return false;
  }
  Bytes first(1000), rest(content.size() - 1000);
  std::vector<ReadRequest> requests = {{"d/" + name, 0, first}, {"d/" + name, 1000, rest}};
  if (!storage.ReadMany(requests).ok()) return false;
  AppendBytes(first, rest);
  return first == content;
}

// The name of the reader that read the file rightly.
std::string ReaderOf(const std::string& path) {
  const FileDescriptor buffered(open(path.c_str(), O_RDONLY));
  const FileDescriptor direct(open(path.c_str(), O_RDONLY | O_DIRECT));
  const Bytes content = RandomBytes(1, 3 * kMiB + 99);
  auto reader = NewBlockReader(direct.get(), buffered.get(), path, content.size(), {});
  if (!reader.ok() || !(*reader)->Start(0, 0, content.size()).ok()) return "";
  const auto range = (*reader)->Wait(0);
  if (!range.ok() || !std::equal(range->begin(), range->end(), content.begin())) return "";
  return (*reader)->Name();
}

TEST(IoSandboxDeathTest, EverythingWorksWithoutIoUringAndOpenat2) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(DiskWorks(directory.path(), "before"));
  EXPECT_EXIT(
      {
        if (!RefuseIoUringAndOpenat2()) _exit(0);  // cannot be tried here
        if (!DiskWorks(directory.path(), "inside")) _exit(2);
        if (ReaderOf(directory.File("d/inside")) != "pread") _exit(3);
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(IoSandboxDeathTest, ForkedChildReadsOnItsOwn) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(DiskWorks(directory.path(), "parent"));
  EXPECT_EXIT(_exit(DiskWorks(directory.path(), "child") ? 0 : 2), testing::ExitedWithCode(0), "");
  EXPECT_TRUE(DiskWorks(directory.path(), "parent-again"));
}

// The exit code of a process that may lock no memory: 0 if the reader read rightly.
int ReadWithoutLockedMemory(const std::string& path) {
  const FileDescriptor buffered(open(path.c_str(), O_RDONLY));
  const FileDescriptor direct(open(path.c_str(), O_RDONLY | O_DIRECT));
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 2;
  // Root is not bound by the limit: become nobody where that is possible.
  if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 0;
  const Bytes content = RandomBytes(1, 3 * kMiB + 99);
  auto reader = NewBlockReader(direct.get(), buffered.get(), path, content.size(), {});
  if (!reader.ok() || !(*reader)->Start(0, 0, content.size()).ok()) return 3;
  const auto range = (*reader)->Wait(0);
  if (!range.ok()) return 4;
  return std::equal(range->begin(), range->end(), content.begin()) ? 0 : 5;
}

TEST(IoSandboxDeathTest, ReaderWorksWithoutLockedMemory) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(DiskWorks(directory.path(), "a"));
  EXPECT_EXIT(_exit(ReadWithoutLockedMemory(directory.File("d/a"))), testing::ExitedWithCode(0),
              "");
}

}  // namespace
}  // namespace varve
