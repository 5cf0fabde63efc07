// One suite for every way to write a restore target: page cache, O_DIRECT, a real block device.
#include "io/block_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/file_descriptor.h"
#include "sim/expect_status.h"
#include "sim/loop_device.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"
#include "sim/tiny_file_system.h"

namespace varve {
namespace {

constexpr uint64_t kSize = 8 * kMiB;

enum class Target { kBuffered, kDirect, kDevice };

class BlockWriterTest : public testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    path_ = directory_.File("target");
    // What is there before is not zero: what is left out shows.
    before_ = RandomBytes(1, kSize);
    FileDescriptor fd(open(path_.c_str(), O_WRONLY | O_CREAT, 0600));
    ASSERT_EQ(write(fd.get(), before_.data(), kSize), static_cast<ssize_t>(kSize));
    if (GetParam() == Target::kDevice) {
      device_ = std::make_unique<LoopDevice>(path_);
      if (!device_->refused().empty()) GTEST_SKIP() << device_->refused();
      path_ = device_->path();
    }
    fd_ = FileDescriptor(open(path_.c_str(), O_RDWR));
    ASSERT_TRUE(fd_.valid());
    if (GetParam() != Target::kBuffered) {
      direct_fd_ = FileDescriptor(open(path_.c_str(), O_RDWR | O_DIRECT));
    }
    writer_ = NewBlockWriter(fd_.get(), direct_fd_.get(), path_);
  }

  Bytes Content(uint64_t size_bytes = kSize) {
    const FileDescriptor fd(open(path_.c_str(), O_RDONLY));
    Bytes content(size_bytes);
    EXPECT_EQ(pread(fd.get(), content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    return content;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<LoopDevice> device_;
  std::string path_;
  Bytes before_;
  FileDescriptor fd_;
  FileDescriptor direct_fd_;
  std::unique_ptr<BlockWriter> writer_;
};

TEST_P(BlockWriterTest, WritesAndZerosOfAnyAlignmentAddUp) {
  Bytes model = before_;
  AlignedBuffer source(kMiB);
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    // Half of the ranges are aligned, as the restorer's are; the others are anything.
    const uint64_t grain = round % 2 == 0 ? kDirectAlignment : 1;
    const uint64_t offset = RoundDown(random() % kSize, grain);
    const uint64_t length = std::min(RoundDown(1 + random() % (256 * kKiB), grain), kSize - offset);
    if (random() % 3 == 0) {
      ASSERT_TRUE(IsOk(writer_->WriteZeros(offset, length)));
      std::fill_n(model.begin() + static_cast<ptrdiff_t>(offset), length, 0);
      continue;
    }
    const Bytes bytes = RandomBytes(random(), length);
    const size_t misaligned = random() % 2 * 8;
    std::copy(bytes.begin(), bytes.end(), source.data() + misaligned);
    ASSERT_TRUE(IsOk(writer_->Write(offset, ByteSpan(source.span()).subspan(misaligned, length))));
    std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<ptrdiff_t>(offset));
  }
  ASSERT_TRUE(IsOk(writer_->Sync()));
  EXPECT_TRUE(Content() == model);
}

TEST_P(BlockWriterTest, ThreadsWriteDisjointRangesAtOnce) {
  const Bytes after = RandomBytes(3, kSize);
  AlignedBuffer source(kSize);
  std::copy(after.begin(), after.end(), source.data());
  constexpr uint64_t kPiece = 64 * kKiB + 512;  // neighbours share pages
  std::vector<std::thread> threads;
  for (uint64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (uint64_t at = first * kPiece; at < kSize; at += 4 * kPiece) {
        const uint64_t length = std::min(kPiece, kSize - at);
        EXPECT_TRUE(IsOk(writer_->Write(at, ByteSpan(source.span()).subspan(at, length))));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  ASSERT_TRUE(IsOk(writer_->Sync()));
  EXPECT_TRUE(Content() == after);
}

TEST_P(BlockWriterTest, ZerosOfNothingAreNothing) {
  EXPECT_TRUE(IsOk(writer_->WriteZeros(100, 0)));
  EXPECT_TRUE(IsOk(writer_->Write(100, {})));
  EXPECT_TRUE(Content() == before_);
}

TEST_P(BlockWriterTest, FirstErrorStays) {
  // A descriptor that cannot be written to, as after an emergency remount.
  const FileDescriptor read_only(open(path_.c_str(), O_RDONLY));
  const auto writer = NewBlockWriter(read_only.get(), -1, "target");
  const Status first = writer->Write(4096, Bytes(10));
  EXPECT_TRUE(HasCode(first, Code::kIo));
  EXPECT_TRUE(Mentions(first, "target: writing 10 bytes at offset 4096"));
  EXPECT_EQ(writer->Write(0, Bytes(1)).message(), first.message());
  EXPECT_EQ(writer->WriteZeros(0, 4096).message(), first.message());
  EXPECT_EQ(writer->Sync().message(), first.message());
  EXPECT_TRUE(Content() == before_);
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, BlockWriterTest,
                         testing::Values(Target::kBuffered, Target::kDirect, Target::kDevice),
                         [](const auto& param) {
                           return param.param == Target::kBuffered ? "FileBuffered"
                                  : param.param == Target::kDirect ? "FileDirect"
                                                                   : "Device";
                         });

class FileWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = FileDescriptor(open(directory_.File("f").c_str(), O_RDWR | O_CREAT, 0600));
    ASSERT_TRUE(fd_.valid());
    writer_ = NewBlockWriter(fd_.get(), -1, "f");
  }
  struct stat Attributes() {
    struct stat attributes {};
    EXPECT_EQ(fstat(fd_.get(), &attributes), 0);
    return attributes;
  }

  TemporaryDirectory directory_;
  FileDescriptor fd_;
  std::unique_ptr<BlockWriter> writer_;
};

TEST_F(FileWriterTest, ZerosPunchHoles) {
  ASSERT_TRUE(IsOk(writer_->Write(0, RandomBytes(4, 4 * kMiB))));
  ASSERT_TRUE(IsOk(writer_->Sync()));
  const auto blocks = Attributes().st_blocks;
  ASSERT_TRUE(IsOk(writer_->WriteZeros(kMiB, 2 * kMiB)));
  ASSERT_TRUE(IsOk(writer_->Sync()));
  EXPECT_LE(Attributes().st_blocks, blocks - static_cast<blkcnt_t>(2 * kMiB / 512));
}

TEST_F(FileWriterTest, ZerosBeyondTheEndMakeTheFileLonger) {
  ASSERT_TRUE(IsOk(writer_->Write(0, AsBytes("begin"))));
  ASSERT_TRUE(IsOk(writer_->WriteZeros(3, 10'000)));
  EXPECT_EQ(Attributes().st_size, 10'003);
  Bytes content(10'003);
  ASSERT_EQ(pread(fd_.get(), content.data(), content.size(), 0), 10'003);
  EXPECT_EQ(AsText(ByteSpan(content).first(3)), "beg");
  EXPECT_TRUE(IsAllZero(ByteSpan(content).subspan(3)));
}

TEST_F(FileWriterTest, FailedSyncIsNeverRepeated) {
  // fdatasync of a pipe fails; then the descriptor becomes one on which it would succeed.
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const FileDescriptor read_end(pipe_fds[0]);
  const FileDescriptor write_end(pipe_fds[1]);
  const auto writer = NewBlockWriter(write_end.get(), -1, "target");
  const Status first = writer->Sync();
  EXPECT_FALSE(first.ok());
  ASSERT_GE(dup2(fd_.get(), write_end.get()), 0);
  ASSERT_EQ(fdatasync(write_end.get()), 0);
  EXPECT_EQ(writer->Sync().message(), first.message());
}

TEST(FullTargetTest, SaysNoSpaceAndWhere) {
  const TinyFileSystem tiny(kMiB);
  if (!tiny.refused().empty()) GTEST_SKIP() << tiny.refused();
  const FileDescriptor fd(open(tiny.File("f").c_str(), O_RDWR | O_CREAT, 0600));
  const auto writer = NewBlockWriter(fd.get(), -1, "f");
  ASSERT_TRUE(IsOk(writer->Write(0, Bytes(512 * kKiB, 1))));
  const Status full = writer->Write(512 * kKiB, Bytes(kMiB, 1));
  EXPECT_TRUE(HasCode(full, Code::kNoSpace));
  EXPECT_TRUE(Mentions(full, "at offset " + std::to_string(kMiB)));
  EXPECT_TRUE(HasCode(writer->WriteZeros(0, 4096), Code::kNoSpace)) << "poisoned";
}

TEST(FullTargetTest, EndOfADeviceIsNoSpace) {
  const TemporaryDirectory directory;
  const FileDescriptor backing(open(directory.File("b").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(ftruncate(backing.get(), kMiB), 0);
  const LoopDevice device(directory.File("b"));
  if (!device.refused().empty()) GTEST_SKIP() << device.refused();
  const FileDescriptor fd(open(device.path().c_str(), O_RDWR));
  const FileDescriptor direct(open(device.path().c_str(), O_RDWR | O_DIRECT));
  AlignedBuffer bytes(64 * kKiB);
  const auto writer = NewBlockWriter(fd.get(), direct.get(), device.path());
  EXPECT_TRUE(HasCode(writer->Write(kMiB - 32 * kKiB, bytes.span()), Code::kNoSpace));
  const auto zeroer = NewBlockWriter(fd.get(), direct.get(), device.path());
  EXPECT_TRUE(HasCode(zeroer->WriteZeros(kMiB - 32 * kKiB, 64 * kKiB), Code::kNoSpace));
}

}  // namespace
}  // namespace varve
