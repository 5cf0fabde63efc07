// One suite for every BlockReader, on files and, where there is one, on a real block device.
#include "io/block_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "io/file_descriptor.h"
#include "sim/expect_status.h"
#include "sim/loop_device.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

struct Kind {
  const char* name;
  bool force_pread;
  bool direct;
  const char* reader;  // what it must say it is
};

constexpr Kind kKinds[] = {{"Uring", false, true, "io_uring"},
                           {"PreadDirect", true, true, "pread"},
                           {"PreadBuffered", false, false, "pread"}};

class BlockReaderTest : public testing::TestWithParam<Kind> {
 protected:
  void Write(const Bytes& content) {
    const FileDescriptor fd(open(path().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    ASSERT_EQ(write(fd.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    ASSERT_EQ(fsync(fd.get()), 0);
  }

  // The file or device at `what`, whose size is `size_bytes`.
  std::unique_ptr<BlockReader> Open(const std::string& what, uint64_t size_bytes,
                                    BlockReaderOptions options = {}) {
    buffered_ = FileDescriptor(open(what.c_str(), O_RDONLY));
    direct_ = FileDescriptor(GetParam().direct ? open(what.c_str(), O_RDONLY | O_DIRECT) : -1);
    EXPECT_TRUE(direct_.valid() == GetParam().direct) << "no O_DIRECT at " << what;
    options.force_pread = GetParam().force_pread;
    auto reader = NewBlockReader(direct_.get(), buffered_.get(), what, size_bytes, options);
    EXPECT_TRUE(IsOk(reader));
    return *std::move(reader);
  }

  // Reads the whole volume, all slots in flight, as the snapshot does.
  static Bytes ReadAll(BlockReader& reader, uint64_t size_bytes,
                       const BlockReaderOptions& options) {
    Bytes all;
    const uint64_t ranges = DivideUp(size_bytes, options.slot_bytes);
    const auto start = [&](uint64_t range) {
      if (range >= ranges) return;
      const uint64_t offset = range * options.slot_bytes;
      const size_t length = std::min<uint64_t>(options.slot_bytes, size_bytes - offset);
      EXPECT_TRUE(IsOk(reader.Start(range % options.slots, offset, length)));
    };
    for (uint64_t range = 0; range < options.slots; ++range)
      start(range);
    for (uint64_t range = 0; range < ranges; ++range) {
      const auto bytes = reader.Wait(range % options.slots);
      EXPECT_TRUE(IsOk(bytes));
      if (!bytes.ok()) return all;
      AppendBytes(all, *bytes);
      start(range + options.slots);
    }
    return all;
  }

  std::string path() const { return directory_.File("volume"); }

  TemporaryDirectory directory_;
  FileDescriptor buffered_;
  FileDescriptor direct_;
};

TEST_P(BlockReaderTest, ReadsFilesOfAnySize) {
  for (const uint64_t size_bytes :
       {uint64_t{1}, uint64_t{511}, uint64_t{512}, uint64_t{4095}, uint64_t{4096}, uint64_t{4097},
        kMiB - 1, kMiB + 1, 3 * kMiB + 513, 9 * kMiB + 12'345, 16 * kMiB}) {
    SCOPED_TRACE(size_bytes);
    const Bytes content = RandomBytes(size_bytes, size_bytes);
    Write(content);
    const BlockReaderOptions options;
    const auto reader = Open(path(), size_bytes, options);
    EXPECT_EQ(reader->Name(), GetParam().reader);
    EXPECT_TRUE(ReadAll(*reader, size_bytes, options) == content);
  }
}

TEST_P(BlockReaderTest, ReadsWithSlotsOfAnySize) {
  const Bytes content = RandomBytes(1, 5 * kMiB + 777);
  Write(content);
  for (const size_t slot_bytes : {4 * kKiB, 64 * kKiB, kMiB, kMiB + 4 * kKiB, 8 * kMiB}) {
    SCOPED_TRACE(slot_bytes);
    const BlockReaderOptions options{.slots = 5, .slot_bytes = slot_bytes};
    const auto reader = Open(path(), content.size(), options);
    EXPECT_TRUE(ReadAll(*reader, content.size(), options) == content);
  }
}

TEST_P(BlockReaderTest, HolesReadAsZeros) {
  Write(RandomBytes(2, 64 * kKiB));
  ASSERT_EQ(truncate(path().c_str(), 3 * kMiB), 0);
  const auto reader = Open(path(), 3 * kMiB);
  ASSERT_TRUE(IsOk(reader->Start(0, 64 * kKiB, 2 * kMiB)));
  const auto range = reader->Wait(0);
  ASSERT_TRUE(IsOk(range));
  EXPECT_EQ(range->size(), 2 * kMiB);
  EXPECT_TRUE(IsAllZero(*range));
}

TEST_P(BlockReaderTest, SlotsComeBackInAnyOrderAndKeepTheirBytes) {
  const Bytes content = RandomBytes(3, 4 * kMiB);
  Write(content);
  const auto reader = Open(path(), content.size(), {.slots = 3, .slot_bytes = kMiB});
  for (size_t slot = 0; slot < 3; ++slot) {
    ASSERT_TRUE(IsOk(reader->Start(slot, slot * kMiB, kMiB)));
  }
  ByteSpan ranges[3];
  for (const size_t slot : {2, 0, 1}) {
    const auto range = reader->Wait(slot);
    ASSERT_TRUE(IsOk(range));
    ranges[slot] = *range;
  }
  ASSERT_TRUE(IsOk(reader->Start(1, 3 * kMiB, kMiB)));
  ASSERT_TRUE(IsOk(reader->Wait(1)));
  for (const size_t slot : {0, 2}) {
    EXPECT_TRUE(std::equal(ranges[slot].begin(), ranges[slot].end(),
                           content.begin() + static_cast<ptrdiff_t>(slot * kMiB)));
  }
}

TEST_P(BlockReaderTest, RunsLieInTheSlotAsTheyLieInTheVolume) {
  const Bytes content = RandomBytes(7, 6 * kMiB + 100);
  Write(content);
  const BlockReaderOptions options{.slots = 2, .slot_bytes = 4 * kMiB, .runs_max = 4};
  const auto reader = Open(path(), content.size(), options);
  const std::vector<BlockRun> runs = {{3 * kMiB, 4 * kKiB},
                                      {3 * kMiB + 8 * kKiB, kMiB + 64 * kKiB},
                                      {5 * kMiB, 64 * kKiB},
                                      {6 * kMiB, 100}};
  for (size_t round = 0; round < 3; ++round) {
    ASSERT_TRUE(IsOk(reader->StartRuns(round % 2, runs)));
    const auto bytes = reader->Wait(round % 2);
    ASSERT_TRUE(IsOk(bytes));
    ASSERT_EQ(bytes->size(), 3 * kMiB + 100);
    for (const BlockRun& run : runs) {
      EXPECT_TRUE(std::equal(content.begin() + static_cast<ptrdiff_t>(run.offset),
                             content.begin() + static_cast<ptrdiff_t>(run.offset + run.length),
                             bytes->begin() + static_cast<ptrdiff_t>(run.offset - 3 * kMiB)));
    }
  }
  const std::vector<BlockRun> backwards = {{kMiB, 4096}, {0, 4096}};
  EXPECT_TRUE(HasCode(reader->StartRuns(0, backwards), Code::kInvalidArgument));
  const std::vector<BlockRun> too_wide = {{0, 4096}, {4 * kMiB, 4096}};
  EXPECT_TRUE(HasCode(reader->StartRuns(0, too_wide), Code::kInvalidArgument));
}

TEST_P(BlockReaderTest, RefusesRangesThatMakeNoSense) {
  Write(RandomBytes(4, 10'000));
  const auto reader = Open(path(), 10'000, {.slots = 1, .slot_bytes = 8192});
  EXPECT_TRUE(HasCode(reader->Start(0, 512, 4096), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->Start(0, 0, 4000), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->Start(0, 8192, 4096), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->Start(0, 0, 8193), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->Start(0, uint64_t{1} << 63, 4096), Code::kInvalidArgument));
  ASSERT_TRUE(IsOk(reader->Start(0, 8192, 1808)));
  EXPECT_EQ(reader->Wait(0)->size(), 1808U);
}

TEST_P(BlockReaderTest, FileThatBecameShorterIsAnErrorNotZeros) {
  Write(RandomBytes(5, 4 * kMiB));
  const auto reader = Open(path(), 4 * kMiB);
  ASSERT_EQ(truncate(path().c_str(), 2 * kMiB + 100), 0);
  ASSERT_TRUE(IsOk(reader->Start(0, 0, 4 * kMiB)));
  const auto range = reader->Wait(0);
  EXPECT_TRUE(HasCode(range, Code::kIo));
  EXPECT_TRUE(Mentions(range, "the file ends at " + std::to_string(2 * kMiB + 100)));
  EXPECT_TRUE(Mentions(range, path()));
  // The slot is of use again.
  ASSERT_TRUE(IsOk(reader->Start(0, 0, kMiB)));
  EXPECT_TRUE(IsOk(reader->Wait(0)));
}

TEST_P(BlockReaderTest, ReaderMadeByOneThreadServesAnotherAndMayDieWithReadsInFlight) {
  const Bytes content = RandomBytes(6, 8 * kMiB);
  Write(content);
  const BlockReaderOptions options{.slots = 2, .slot_bytes = 4 * kMiB};
  auto reader = Open(path(), content.size(), options);
  bool equal = false;
  std::thread([&] {
    equal = ReadAll(*reader, content.size(), options) == content;
    EXPECT_TRUE(IsOk(reader->Start(0, 0, 4 * kMiB)));
    reader.reset();
  }).join();
  EXPECT_TRUE(equal);
}

TEST_P(BlockReaderTest, ReadsARealBlockDevice) {
  // Not a multiple of 4 KiB: devices end at sectors.
  const Bytes content = RandomBytes(7, 6 * kMiB + 3 * 512);
  Write(content);
  const LoopDevice device(path());
  if (!device.refused().empty()) GTEST_SKIP() << device.refused();
  const BlockReaderOptions options;
  const auto reader = Open(device.path(), content.size(), options);
  EXPECT_TRUE(ReadAll(*reader, content.size(), options) == content);
}

TEST_P(BlockReaderTest, UnreadableSectorFailsTheRangeAndIsNamed) {
  Write(RandomBytes(8, 4 * kMiB));
  const LoopDevice device(path());
  if (!device.refused().empty()) GTEST_SKIP() << device.refused();
  // The device keeps its size; what lies beyond the end of the file behind it is EIO.
  constexpr uint64_t kFirstBad = 2 * kMiB + 40 * kKiB;
  ASSERT_EQ(truncate(path().c_str(), kFirstBad), 0);
  const auto reader = Open(device.path(), 4 * kMiB);
  ASSERT_TRUE(IsOk(reader->Start(0, kMiB, 2 * kMiB)));
  ASSERT_TRUE(IsOk(reader->Start(1, 0, kMiB)));
  const auto broken = reader->Wait(0);
  EXPECT_TRUE(HasCode(broken, Code::kIo));
  EXPECT_EQ(broken.status().error_number(), EIO);
  EXPECT_TRUE(Mentions(broken, "offset " + std::to_string(kFirstBad) + ":"));
  EXPECT_TRUE(IsOk(reader->Wait(1)));
}

INSTANTIATE_TEST_SUITE_P(EveryReader, BlockReaderTest, testing::ValuesIn(kKinds),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(BlockReaderChoiceTest, RefusesAReaderWithoutSlots) {
  EXPECT_TRUE(HasCode(NewBlockReader(-1, -1, "v", 0, {.slots = 0}), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(NewBlockReader(-1, -1, "v", 0, {.slot_bytes = 0}), Code::kInvalidArgument));
}

}  // namespace
}  // namespace varve
