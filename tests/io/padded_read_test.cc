#include <gtest/gtest.h>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/posix_disk.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

// Reads that own the memory around them go past the page cache where the file system allows it.
class PaddedRead : public ::testing::Test {
 protected:
  void SetUp() override {
    auto disk = OpenPosixDisk(directory_.path());
    ASSERT_TRUE(IsOk(disk.status()));
    disk_ = *std::move(disk);
    auto file = disk_->Create("pack");
    ASSERT_TRUE(IsOk(file.status()));
    ASSERT_TRUE(IsOk((*file)->Append(content_)));
    ASSERT_TRUE(IsOk((*file)->Sync()));
  }

  // A request for [offset, offset + length), in blocks of its own.
  ReadRequest Request(uint64_t offset, size_t length) {
    const size_t before = offset % kDirectAlignment;
    const MutableByteSpan into = buffer_.span().subspan(used_ + before, length);
    used_ += RoundUp(before + length, kDirectAlignment);
    return {"pack", offset, into, true};
  }

  void ExpectContent(const ReadRequest& request) {
    EXPECT_TRUE(std::equal(request.into.begin(), request.into.end(),
                           content_.begin() + static_cast<ptrdiff_t>(request.offset)))
        << request.offset << "+" << request.into.size();
  }

  TemporaryDirectory directory_;
  // Not a multiple of a block: the last one is short.
  const Bytes content_ = RandomBytes(1, 3 * kMiB + 777);
  AlignedBuffer buffer_{8 * kMiB};
  size_t used_ = 0;
  std::unique_ptr<Disk> disk_;
};

TEST_F(PaddedRead, GetsItsBytesAtAnyOffsetAndLength) {
  std::vector<ReadRequest> requests = {
      Request(0, 1),          Request(1, 4095),           Request(4095, 2),
      Request(8192, 4096),    Request(5000, 100'000),     Request(2 * kMiB - 3, kMiB),
      Request(3 * kMiB, 777), Request(3 * kMiB + 776, 1), Request(3 * kMiB - 1, 9)};
  ASSERT_TRUE(IsOk(disk_->ReadMany(requests)));
  for (const ReadRequest& request : requests)
    ExpectContent(request);
}

TEST_F(PaddedRead, OneAloneGetsItsBytes) {
  std::vector<ReadRequest> requests = {Request(12'345, 54'321)};
  ASSERT_TRUE(IsOk(disk_->ReadMany(requests)));
  ExpectContent(requests[0]);
}

TEST_F(PaddedRead, PastTheEndIsCorruptionEvenWithinTheLastBlock) {
  for (const size_t length : {size_t{778}, size_t{4096}, size_t{100'000}}) {
    std::vector<ReadRequest> requests = {Request(0, 10), Request(3 * kMiB, length)};
    EXPECT_TRUE(HasCode(disk_->ReadMany(requests), Code::kCorruption)) << length;
  }
}

TEST_F(PaddedRead, SeesAReplacedFile) {
  std::vector<ReadRequest> requests = {Request(0, 5000)};
  ASSERT_TRUE(IsOk(disk_->ReadMany(requests)));
  ASSERT_TRUE(IsOk(disk_->Remove("pack")));
  EXPECT_TRUE(HasCode(disk_->ReadMany(requests), Code::kNotFound));
}

}  // namespace
}  // namespace varve
