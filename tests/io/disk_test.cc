// One suite for every Disk: what the engine may rely on, whichever disk it stands on.
#include "io/disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/posix_disk.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/simulated_disk.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

enum class Kind { kPosix, kSimulated };

class DiskTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kSimulated) {
      disk_ = std::make_unique<SimulatedDisk>();
      return;
    }
    auto opened = OpenPosixDisk(directory_.path());
    ASSERT_TRUE(IsOk(opened));
    disk_ = *std::move(opened);
  }

  void Put(const std::string& path, ByteSpan bytes) {
    auto file = disk_->Create(path);
    ASSERT_TRUE(IsOk(file));
    ASSERT_TRUE(IsOk((*file)->Append(bytes)));
    ASSERT_TRUE(IsOk((*file)->Sync()));
  }

  Bytes Get(const std::string& path) {
    const auto size_bytes = disk_->Size(path);
    EXPECT_TRUE(IsOk(size_bytes));
    if (!size_bytes.ok()) return {};
    Bytes bytes(*size_bytes);
    EXPECT_TRUE(IsOk(disk_->Read(path, 0, bytes)));
    return bytes;
  }

  Code CodeOfRead(const std::string& path) {
    Bytes byte(1);
    return disk_->Read(path, 0, byte).code();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Disk> disk_;
};

TEST_P(DiskTest, ReadsBackWhatWasAppended) {
  const Bytes bytes = RandomBytes(1, 100'000);
  Put("a", bytes);
  EXPECT_EQ(Get("a"), bytes);
  Bytes middle(1000);
  ASSERT_TRUE(IsOk(disk_->Read("a", 5000, middle)));
  EXPECT_TRUE(std::equal(middle.begin(), middle.end(), bytes.begin() + 5000));
}

TEST_P(DiskTest, FilesAreChangedInPlace) {
  Bytes model(50'000);
  {
    const auto file = disk_->OpenForUpdate("a", 40'000);
    ASSERT_TRUE(IsOk(file));
    EXPECT_EQ(*disk_->Size("a"), 40'000U);
    std::mt19937_64 random(1);
    for (int i = 0; i < 50; ++i) {
      const uint64_t offset = random() % model.size();
      const uint64_t length = std::min<uint64_t>(random() % 9000, model.size() - offset);
      const bool punch = i % 5 == 4 && offset + length <= 40'000;
      const Bytes bytes = punch ? Bytes(length) : RandomBytes(random(), length);
      ASSERT_TRUE(IsOk(punch && length > 0 ? (*file)->Punch(offset, length)
                                           : (*file)->WriteAt(offset, bytes)));
      std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<ptrdiff_t>(offset));
    }
    Bytes found(model.size() + 100);  // behind the end there are zeros
    ASSERT_TRUE(IsOk((*file)->ReadAt(0, found)));
    EXPECT_TRUE(std::equal(model.begin(), model.end(), found.begin()));
    EXPECT_TRUE(IsAllZero(ByteSpan(found).subspan(model.size())));
    ASSERT_TRUE(IsOk((*file)->Sync()));
  }
  const auto again = disk_->OpenForUpdate("a", 1);  // never made shorter
  ASSERT_TRUE(IsOk(again));
  Bytes found(model.size());
  ASSERT_TRUE(IsOk((*again)->ReadAt(0, found)));
  EXPECT_EQ(found, model);
  EXPECT_TRUE(HasCode(disk_->OpenForUpdate("nowhere/a", 1), Code::kNotFound));
}

TEST_P(DiskTest, EmptyFileIsAFile) {
  Put("a", {});
  EXPECT_EQ(*disk_->Size("a"), 0U);
  EXPECT_TRUE(IsOk(disk_->Read("a", 0, {})));
}

TEST_P(DiskTest, AppendsOfAnySizeAndAlignmentConcatenate) {
  AlignedBuffer source(4 * kMiB);
  const Bytes noise = RandomBytes(2, source.size());
  std::copy(noise.begin(), noise.end(), source.data());
  // Aligned and large, ragged, small, and aligned again behind a ragged end.
  const std::pair<size_t, size_t> pieces[] = {
      {0, kMiB},     {kMiB, kMiB + 1234}, {8, 3}, {4096, 512 * kKiB}, {100, 300'000},
      {0, 4 * kMiB}, {kMiB, 256 * kKiB}};
  Bytes expected;
  auto file = disk_->Create("a");
  ASSERT_TRUE(IsOk(file));
  for (const auto& [offset, length] : pieces) {
    const ByteSpan piece = ByteSpan(source.span()).subspan(offset, length);
    ASSERT_TRUE(IsOk((*file)->Append(piece)));
    AppendBytes(expected, piece);
  }
  ASSERT_TRUE(IsOk((*file)->Sync()));
  EXPECT_EQ(Get("a"), expected);
}

TEST_P(DiskTest, AppendsGoOnAfterASync) {
  auto file = disk_->Create("a");
  ASSERT_TRUE(IsOk(file));
  ASSERT_TRUE(IsOk((*file)->Append(AsBytes("one "))));
  ASSERT_TRUE(IsOk((*file)->Sync()));
  ASSERT_TRUE(IsOk((*file)->Append(AsBytes("two"))));
  ASSERT_TRUE(IsOk((*file)->Sync()));
  EXPECT_EQ(AsText(Get("a")), "one two");
}

TEST_P(DiskTest, CreateRefusesWhatExists) {
  Put("a", AsBytes("old"));
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  EXPECT_TRUE(HasCode(disk_->Create("a"), Code::kAlreadyExists));
  EXPECT_TRUE(HasCode(disk_->Create("d"), Code::kAlreadyExists));
  EXPECT_EQ(AsText(Get("a")), "old");
}

TEST_P(DiskTest, CreateNeedsItsDirectory) {
  const auto file = disk_->Create("missing/a");
  EXPECT_TRUE(HasCode(file, Code::kNotFound));
  EXPECT_TRUE(Mentions(file, "missing/a"));
}

TEST_P(DiskTest, RenameMovesBetweenDirectories) {
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  Put("a", AsBytes("bytes"));
  EXPECT_EQ(AsText(Get("a")), "bytes");  // a handle of the old name is open now
  ASSERT_TRUE(IsOk(disk_->Rename("a", "d/b")));
  EXPECT_EQ(CodeOfRead("a"), Code::kNotFound);
  EXPECT_EQ(AsText(Get("d/b")), "bytes");
}

TEST_P(DiskTest, RenameNeverReplaces) {
  Put("a", AsBytes("new"));
  Put("b", AsBytes("old"));
  EXPECT_TRUE(HasCode(disk_->Rename("a", "b"), Code::kAlreadyExists));
  EXPECT_EQ(AsText(Get("a")), "new");
  EXPECT_EQ(AsText(Get("b")), "old");
}

TEST_P(DiskTest, RenameOfNothingIsNotFound) {
  const Status status = disk_->Rename("a", "b");
  EXPECT_TRUE(HasCode(status, Code::kNotFound));
  EXPECT_TRUE(Mentions(status, "a: renaming to b"));
  Put("c", AsBytes("x"));
  EXPECT_TRUE(HasCode(disk_->Rename("c", "missing/c"), Code::kNotFound));
  EXPECT_EQ(AsText(Get("c")), "x");
}

TEST_P(DiskTest, RemovedFileIsGoneAlsoForOpenHandles) {
  Put("a", AsBytes("old"));
  EXPECT_EQ(AsText(Get("a")), "old");
  ASSERT_TRUE(IsOk(disk_->Remove("a")));
  EXPECT_EQ(CodeOfRead("a"), Code::kNotFound);
  EXPECT_TRUE(HasCode(disk_->Remove("a"), Code::kNotFound));
  Put("a", AsBytes("new"));
  EXPECT_EQ(AsText(Get("a")), "new");
}

TEST_P(DiskTest, CreateDirectoryTwiceIsFine) {
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  EXPECT_TRUE(IsOk(disk_->CreateDirectory("d")));
  EXPECT_TRUE(IsOk(disk_->CreateDirectory("d/e")));
  EXPECT_TRUE(HasCode(disk_->CreateDirectory("x/y"), Code::kNotFound));
  Put("a", {});
  EXPECT_TRUE(HasCode(disk_->CreateDirectory("a"), Code::kAlreadyExists));
}

TEST_P(DiskTest, SyncDirectoryKnowsTheRoot) {
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  EXPECT_TRUE(IsOk(disk_->SyncDirectory("")));
  EXPECT_TRUE(IsOk(disk_->SyncDirectory(".")));
  EXPECT_TRUE(IsOk(disk_->SyncDirectory("d")));
  EXPECT_TRUE(HasCode(disk_->SyncDirectory("missing"), Code::kNotFound));
}

TEST_P(DiskTest, ListsFilesAndDirectoriesOfOneLevel) {
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d/sub")));
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d-beside")));
  Put("d/a", AsBytes("four"));
  Put("d/sub/deeper", AsBytes("x"));
  auto entries = disk_->List("d");
  ASSERT_TRUE(IsOk(entries));
  std::sort(entries->begin(), entries->end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_EQ((*entries)[0].size_bytes, 4U);
  EXPECT_FALSE((*entries)[0].is_directory);
  EXPECT_EQ((*entries)[1].name, "sub");
  EXPECT_TRUE((*entries)[1].is_directory);
  EXPECT_EQ(disk_->List("")->size(), 2U);
  EXPECT_TRUE(HasCode(disk_->List("missing"), Code::kNotFound));
}

TEST_P(DiskTest, SizeOfWhatIsNoFileIsAnError) {
  ASSERT_TRUE(IsOk(disk_->CreateDirectory("d")));
  EXPECT_TRUE(HasCode(disk_->Size("a"), Code::kNotFound));
  EXPECT_TRUE(HasCode(disk_->Size("d"), Code::kIo));
  EXPECT_EQ(CodeOfRead("d"), Code::kIo);
}

TEST_P(DiskTest, ReadPastTheEndIsCorruptionNamingBothNumbers) {
  Put("a", RandomBytes(3, 1000));
  Bytes bytes(300);
  const Status status = disk_->Read("a", 800, bytes);
  EXPECT_TRUE(HasCode(status, Code::kCorruption));
  EXPECT_TRUE(Mentions(status, "a: reading 300 bytes at offset 800"));
  EXPECT_TRUE(Mentions(status, "1000"));
  EXPECT_TRUE(HasCode(disk_->Read("a", uint64_t{1} << 62, bytes), Code::kCorruption));
  std::vector<ReadRequest> requests = {{"a", 0, bytes}, {"a", 800, bytes}};
  EXPECT_TRUE(HasCode(disk_->ReadMany(requests), Code::kCorruption));
}

TEST_P(DiskTest, ReadManyFillsEveryRequest) {
  // More files than may be open, more requests than may be in flight.
  constexpr size_t kFiles = kOpenFilesMax + 20;
  std::vector<Bytes> contents;
  for (size_t i = 0; i < kFiles; ++i) {
    contents.push_back(RandomBytes(i, 20'000));
    Put("f" + std::to_string(i), contents.back());
  }
  std::vector<ReadRequest> requests;
  std::vector<Bytes> buffers(3 * kFiles);
  for (size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].resize(1 + i * 37 % 9000);
    requests.push_back({"f" + std::to_string(i * 7 % kFiles), i * 13 % 10'000, buffers[i]});
  }
  ASSERT_TRUE(IsOk(disk_->ReadMany(requests)));
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Bytes& content = contents[i * 7 % kFiles];
    EXPECT_TRUE(std::equal(buffers[i].begin(), buffers[i].end(),
                           content.begin() + static_cast<ptrdiff_t>(i * 13 % 10'000)))
        << "request " << i;
  }
  std::vector<ReadRequest> none;
  EXPECT_TRUE(IsOk(disk_->ReadMany(none)));
}

TEST_P(DiskTest, ReadManyReturnsTheFirstFailureInOrder) {
  Put("a", RandomBytes(4, 1000));
  Bytes buffers[4] = {Bytes(10), Bytes(10), Bytes(10), Bytes(10)};
  std::vector<ReadRequest> requests = {
      {"a", 0, buffers[0]}, {"a", 995, buffers[1]}, {"a", 2000, buffers[2]}, {"a", 5, buffers[3]}};
  const Status status = disk_->ReadMany(requests);
  EXPECT_TRUE(HasCode(status, Code::kCorruption));
  EXPECT_TRUE(Mentions(status, "offset 995"));
  requests[3].path = "missing";
  requests[1].offset = requests[2].offset = 0;
  EXPECT_TRUE(HasCode(disk_->ReadMany(requests), Code::kNotFound));
}

TEST_P(DiskTest, FreeBytesIsANumber) {
  const auto free_bytes = disk_->FreeBytes();
  ASSERT_TRUE(IsOk(free_bytes));
  EXPECT_GT(*free_bytes, 0U);
}

TEST_P(DiskTest, ThreadsReadWhileOthersRemoveAndForget) {
  constexpr size_t kFiles = 2 * kOpenFilesMax;
  for (size_t i = 0; i < kFiles; ++i)
    Put("f" + std::to_string(i), RandomBytes(i, 5000));
  std::atomic<int> wrong{0};
  const auto read = [&](size_t first) {
    for (size_t round = 0; round < 4 * kFiles; ++round) {
      const size_t number = (first + round * 31) % kFiles;
      const std::string path = "f" + std::to_string(number);
      Bytes one(5000), two(100);
      std::vector<ReadRequest> requests = {{path, 0, one}, {path, 7, two}};
      // Files with an even number are never removed.
      const Status status = disk_->ReadMany(requests);
      if (status.ok() ? one != RandomBytes(number, 5000) : number % 2 == 0) ++wrong;
    }
  };
  const auto remove = [&] {
    for (size_t i = 1; i < kFiles; i += 2) {
      if (!disk_->Remove("f" + std::to_string(i)).ok()) ++wrong;
      disk_->Forget("f" + std::to_string(i - 1));
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i)
    threads.emplace_back(read, i * 11);
  threads.emplace_back(remove);
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(EveryDisk, DiskTest, testing::Values(Kind::kPosix, Kind::kSimulated),
                         [](const auto& param) {
                           return param.param == Kind::kPosix ? "Posix" : "Simulated";
                         });

}  // namespace
}  // namespace varve
