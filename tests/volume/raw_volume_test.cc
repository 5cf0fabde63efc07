#include "volume/raw_volume.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/file_descriptor.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

class RawVolumeTest : public testing::Test {
 protected:
  // Writes pieces at offsets into a file of that size; what lies between is a hole where the file
  // system has holes.
  void Write(uint64_t size, const std::vector<std::pair<uint64_t, Bytes>>& pieces) {
    const FileDescriptor fd(open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ASSERT_TRUE(fd.valid());
    ASSERT_EQ(ftruncate(fd.get(), static_cast<off_t>(size)), 0);
    content_.assign(size, 0);
    for (const auto& [offset, bytes] : pieces) {
      ASSERT_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                static_cast<ssize_t>(bytes.size()));
      std::copy(bytes.begin(), bytes.end(), content_.begin() + static_cast<ptrdiff_t>(offset));
    }
  }
  std::unique_ptr<RawVolume> Open() {
    auto volume = RawVolume::Open(path_);
    EXPECT_TRUE(IsOk(volume));
    return *std::move(volume);
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.File("volume");
  Bytes content_;
};

TEST_F(RawVolumeTest, ExtentsCoverAllDataInOrder) {
  const uint64_t size = 9 * kMiB + 123;
  Write(size, {{0, RandomBytes(1, 5000)},
               {3 * kMiB + 100, RandomBytes(2, 70000)},
               {size - 10, RandomBytes(3, 10)}});
  const auto volume = Open();
  EXPECT_EQ(volume->size_bytes(), size);
  uint64_t at = 0;
  uint64_t data = 0;
  while (true) {
    const auto extent = volume->NextData(at);
    ASSERT_TRUE(IsOk(extent));
    const uint64_t begin = *extent ? (*extent)->begin : size;
    ASSERT_GE(begin, at);
    EXPECT_TRUE(IsAllZero(ByteSpan(content_).subspan(at, begin - at))) << "data in a hole";
    if (!*extent) break;
    ASSERT_GT((*extent)->end, begin);
    ASSERT_LE((*extent)->end, size);
    data += (*extent)->end - begin;
    at = (*extent)->end;
  }
  EXPECT_GE(data, 75010U);
  EXPECT_FALSE(*volume->NextData(size));
  EXPECT_FALSE(*volume->NextData(size + 1));
}

TEST_F(RawVolumeTest, EmptyAndAllHoles) {
  Write(0, {});
  EXPECT_EQ(Open()->size_bytes(), 0U);
  EXPECT_FALSE(*Open()->NextData(0));
  Write(kMiB, {});
  EXPECT_EQ(Open()->size_bytes(), kMiB);
}

TEST_F(RawVolumeTest, ReadersGiveTheBytesOfOddRanges) {
  const uint64_t size = 3 * kMiB + 777;
  Write(size, {{0, RandomBytes(4, size)}});
  const auto volume = Open();
  for (const bool force_pread : {false, true}) {
    BlockReaderOptions options;
    options.slots = 2;
    options.slot_bytes = 2 * kMiB;
    options.force_pread = force_pread;
    const auto reader = volume->NewReader(options);
    ASSERT_TRUE(IsOk(reader));
    ASSERT_TRUE(IsOk((*reader)->Start(0, 4096, kMiB)));
    ASSERT_TRUE(IsOk((*reader)->Start(1, 2 * kMiB, size - 2 * kMiB)));
    const auto first = (*reader)->Wait(0);
    ASSERT_TRUE(IsOk(first));
    EXPECT_TRUE(std::equal(first->begin(), first->end(), content_.begin() + 4096));
    const auto tail = (*reader)->Wait(1);
    ASSERT_TRUE(IsOk(tail));
    ASSERT_EQ(tail->size(), size - 2 * kMiB);
    EXPECT_TRUE(std::equal(tail->begin(), tail->end(), content_.begin() + 2 * kMiB));
  }
}

TEST_F(RawVolumeTest, StampChangesWhenTheFileDoes) {
  Write(kMiB, {{0, RandomBytes(5, 4096)}});
  const auto volume = Open();
  const auto before = volume->Stamp();
  ASSERT_TRUE(IsOk(before));
  EXPECT_TRUE(*volume->Stamp() == *before);
  const FileDescriptor fd(open(path_.c_str(), O_RDWR | O_CLOEXEC));
  const timespec times[2] = {{0, UTIME_OMIT}, {12345, 678}};
  ASSERT_EQ(futimens(fd.get(), times), 0);
  EXPECT_FALSE(*volume->Stamp() == *before);
  ASSERT_EQ(ftruncate(fd.get(), 1000), 0);
  EXPECT_EQ(volume->Stamp()->size_bytes, 1000U);
}

TEST_F(RawVolumeTest, FileThatShrankWhileItIsReadIsAnError) {
  Write(kMiB, {{0, RandomBytes(6, kMiB)}});
  const auto volume = Open();
  ASSERT_EQ(truncate(path_.c_str(), 5000), 0);
  BlockReaderOptions options;
  options.force_pread = true;
  const auto reader = volume->NewReader(options);
  ASSERT_TRUE(IsOk(reader));
  ASSERT_TRUE(IsOk((*reader)->Start(0, 0, kMiB)));
  const auto range = (*reader)->Wait(0);
  EXPECT_TRUE(HasCode(range, Code::kIo));
  EXPECT_TRUE(Mentions(range, "5000"));
}

TEST_F(RawVolumeTest, WhatIsNoVolumeIsRefused) {
  EXPECT_TRUE(HasCode(RawVolume::Open(directory_.path()), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(RawVolume::Open(directory_.File("missing")), Code::kNotFound));
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(HasCode(RawVolume::Open(path_), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(RawVolume::Open("/dev/null"), Code::kInvalidArgument));
}

}  // namespace
}  // namespace varve
