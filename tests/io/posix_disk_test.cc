// What only a real directory can show: links, descriptors, full file systems.
#include "io/posix_disk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/storage.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"
#include "sim/tiny_file_system.h"

namespace varve {
namespace {

size_t OpenDescriptors() {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

class PosixDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = OpenPosixDisk(directory_.path());
    ASSERT_TRUE(IsOk(opened));
    disk_ = *std::move(opened);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Disk> disk_;
};

TEST_F(PosixDiskTest, MissingDirectoryIsNotFoundAndNamed) {
  const auto opened = OpenPosixDisk(directory_.File("missing"));
  EXPECT_TRUE(HasCode(opened, Code::kNotFound));
  EXPECT_TRUE(Mentions(opened, directory_.File("missing")));
}

TEST_F(PosixDiskTest, SymbolicLinksAreNotFollowed) {
  const TemporaryDirectory elsewhere;
  std::filesystem::create_symlink("/etc/passwd", directory_.File("link"));
  std::filesystem::create_symlink(elsewhere.path(), directory_.File("packs"));
  Bytes byte(1);
  EXPECT_TRUE(HasCode(disk_->Read("link", 0, byte), Code::kIo));
  EXPECT_FALSE(disk_->Create("packs/new").ok());
  EXPECT_FALSE(disk_->List("packs").ok());
  EXPECT_FALSE(disk_->CreateDirectory("packs/new").ok());
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
}

using PosixDiskDeathTest = PosixDiskTest;

TEST_F(PosixDiskDeathTest, PathsThatLeaveTheDirectoryAreBugs) {
  EXPECT_DEATH(disk_->Size("../a").ok(), "bug");
  EXPECT_DEATH(disk_->Size("a/../../b").ok(), "bug");
  EXPECT_DEATH(disk_->Size("/etc/passwd").ok(), "bug");
}

TEST_F(PosixDiskTest, OpenDescriptorsAreBounded) {
  const size_t before = OpenDescriptors();
  for (size_t i = 0; i < 3 * kOpenFilesMax; ++i) {
    const std::string path = "f" + std::to_string(i);
    ASSERT_TRUE(IsOk((*disk_->Create(path))->Append(AsBytes("x"))));
    Bytes byte(1);
    ASSERT_TRUE(IsOk(disk_->Read(path, 0, byte)));
  }
  EXPECT_LE(OpenDescriptors(), before + kOpenFilesMax);
  disk_.reset();
  EXPECT_LT(OpenDescriptors(), before);
}

TEST_F(PosixDiskTest, FilesBelongToTheirOwnerAlone) {
  ASSERT_TRUE(IsOk(disk_->Create("a")));
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  for (const char* name : {"a", "d"}) {
    const auto status = std::filesystem::status(directory_.File(name));
    EXPECT_EQ(status.permissions() & others, std::filesystem::perms::none) << name;
  }
}

TEST(FullFileSystemTest, PublishSaysNoSpaceAndLeavesNothingBehind) {
  const TinyFileSystem tiny(2 * kMiB);
  if (!tiny.refused().empty()) GTEST_SKIP() << tiny.refused();
  auto disk = OpenPosixDisk(tiny.path());
  ASSERT_TRUE(IsOk(disk));
  Storage storage(**disk);
  AlignedBuffer large(3 * kMiB);
  const Status full = storage.Publish("large", large.span());
  EXPECT_TRUE(HasCode(full, Code::kNoSpace));
  EXPECT_TRUE(Mentions(full, "large"));
  EXPECT_TRUE((*disk)->List("")->empty());
  // Not poisoned: a full disk is an answer, not a broken one.
  EXPECT_TRUE(IsOk(storage.Publish("small", large.span().first(kMiB + 5))));
  EXPECT_EQ(*storage.Size("small"), kMiB + 5);
}

}  // namespace
}  // namespace varve
