#include "restore/snapshot_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <thread>

#include "sim/expect_status.h"
#include "sim/sample_repository.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 24 * kMiB + 1234;

std::unique_ptr<SnapshotReader> OpenReader(Engine& engine, const SnapshotRecord& record,
                                           size_t cache_bytes = 8 * kMiB) {
  auto reader = SnapshotReader::Open(engine.repository(), record, cache_bytes);
  VARVE_CHECK(reader.ok());
  return *std::move(reader);
}

TEST(SnapshotReader, ManyThreadsReadTheVolumeAsItWas) {
  const SampleRepository sample;
  const Bytes first = SampleRepository::SampleVolume(1, kVolumeBytes);
  Bytes second = first;
  for (size_t i = 0; i < second.size(); i += 300 * 1000)
    second[i] ^= 1;  // deltas
  const SnapshotRecord older = sample.Snapshot(first);
  const SnapshotRecord newer = sample.Snapshot(second);
  const auto engine = sample.Open(OpenMode::kRead);
  // Both through one small cache, so that chunks are dropped and loaded again all the time.
  const auto shared = std::make_shared<SharedReading>(2 * kMiB);
  auto older_reader = *SnapshotReader::Open(engine->repository(), older, shared);
  auto newer_reader = *SnapshotReader::Open(engine->repository(), newer, shared);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      const Bytes& truth = seed % 2 == 0 ? first : second;
      SnapshotReader& reader = seed % 2 == 0 ? *older_reader : *newer_reader;
      Bytes into(2 * kMiB);
      for (int i = 0; i < 60; ++i) {
        const size_t length = random() % (seed < 4 ? 5000 : into.size());
        const uint64_t offset = random() % (truth.size() - length);
        ASSERT_TRUE(IsOk(reader.ReadAt(offset, {into.data(), length})));
        ASSERT_TRUE(std::equal(into.begin(), into.begin() + static_cast<ptrdiff_t>(length),
                               truth.begin() + static_cast<ptrdiff_t>(offset)))
            << "seed " << seed << ": " << offset << "+" << length;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  Bytes whole(newer_reader->size_bytes());
  for (size_t at = 0; at < whole.size(); at += 128 * kKiB) {  // sequential, with read-ahead
    const size_t length = std::min<size_t>(128 * kKiB, whole.size() - at);
    ASSERT_TRUE(IsOk(newer_reader->ReadAt(at, {whole.data() + at, length})));
  }
  EXPECT_EQ(whole, second);
}

TEST(SnapshotReader, RefusesRangesPastTheEnd) {
  const SampleRepository sample;
  const SnapshotRecord record = sample.Snapshot(SampleRepository::SampleVolume(2, 100000));
  const auto engine = sample.Open(OpenMode::kRead);
  const auto reader = OpenReader(*engine, record);
  Bytes into(100);
  EXPECT_TRUE(IsOk(reader->ReadAt(100000 - 100, into)));
  EXPECT_TRUE(IsOk(reader->ReadAt(100000, {})));
  EXPECT_TRUE(HasCode(reader->ReadAt(100000 - 99, into), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->ReadAt(UINT64_MAX - 50, into), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(reader->NextExtent(100000), Code::kInvalidArgument));
}

TEST(SnapshotReader, ExtentsCoverTheVolumeAndZerosAreZeros) {
  const SampleRepository sample;
  const Bytes content = SampleRepository::SampleVolume(3, kVolumeBytes);
  const SnapshotRecord record = sample.Snapshot(content);
  const auto engine = sample.Open(OpenMode::kRead);
  const auto reader = OpenReader(*engine, record);
  uint64_t zeros = 0;
  for (uint64_t offset = 0; offset < kVolumeBytes;) {
    const auto extent = reader->NextExtent(offset);
    ASSERT_TRUE(IsOk(extent));
    ASSERT_EQ(extent->begin, offset);
    ASSERT_GT(extent->end, offset);
    if (!extent->is_data) {
      zeros += extent->end - extent->begin;
      EXPECT_TRUE(IsAllZero({content.data() + offset, extent->end - offset}));
    }
    offset = extent->end;
  }
  EXPECT_GE(zeros, kVolumeBytes / 6 - 2 * kChunkSizeDefault);
}

TEST(SnapshotReader, ADamagedChunkFailsJustItsRangeEveryTimeAndIsNamed) {
  const SampleRepository sample;
  const Bytes content = SampleRepository::SampleVolume(4, kVolumeBytes);
  const SnapshotRecord record = sample.Snapshot(content);
  constexpr uint64_t kDamaged = 20;
  const std::string pack = sample.DamageChunk(record, kDamaged);
  const auto engine = sample.Open(OpenMode::kRead);
  const auto reader = OpenReader(*engine, record, 64 * kMiB);
  Bytes into(kChunkSizeDefault);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t chunk = 0; chunk < 64; ++chunk) {
      const uint64_t offset = chunk * kChunkSizeDefault;
      const Status status = reader->ReadAt(offset, into);
      if (chunk == kDamaged) {
        EXPECT_TRUE(HasCode(status, Code::kCorruption));
        EXPECT_TRUE(Mentions(status, pack));
        EXPECT_TRUE(Mentions(status, std::to_string(offset) + "+65536"));
      } else {
        ASSERT_TRUE(IsOk(status));
        EXPECT_TRUE(
            std::equal(into.begin(), into.end(), content.begin() + static_cast<ptrdiff_t>(offset)));
      }
    }
    Bytes across(3 * kChunkSizeDefault);
    EXPECT_TRUE(
        HasCode(reader->ReadAt((kDamaged - 1) * kChunkSizeDefault, across), Code::kCorruption));
  }
}

TEST(SnapshotReader, AMissingPackFailsReadersThatWaitForEachOtherToo) {
  const SampleRepository sample;
  const SnapshotRecord record = sample.Snapshot(SampleRepository::SampleVolume(5, 4 * kMiB));
  const auto engine = sample.Open(OpenMode::kRead);
  const auto reader = OpenReader(*engine, record);
  Bytes one(4096);
  ASSERT_TRUE(IsOk(reader->NextExtent(0)));  // the tree is cached, the chunks are not
  ASSERT_TRUE(IsOk(engine->repository().index()));
  std::filesystem::rename(sample.path() + "/packs", sample.path() + "/gone");
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      Bytes into(512 * kKiB);
      for (int n = 0; n < 10; ++n)
        failures += reader->ReadAt(0, into).ok() ? 0 : 1;
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(failures, 80);
  std::filesystem::rename(sample.path() + "/gone", sample.path() + "/packs");
  EXPECT_TRUE(IsOk(reader->ReadAt(0, one)));  // and none of that was remembered
}

TEST(SnapshotReader, RefusesToWrite) {
  const SampleRepository sample;
  const SnapshotRecord record = sample.Snapshot(SampleRepository::SampleVolume(6, 100000));
  const auto engine = sample.Open(OpenMode::kRead);
  const auto reader = OpenReader(*engine, record);
  const Bytes bytes(10);
  EXPECT_FALSE(reader->writable());
  EXPECT_TRUE(HasCode(reader->WriteAt(0, bytes), Code::kDenied));
  EXPECT_TRUE(HasCode(reader->Punch(0, 10), Code::kDenied));
}

}  // namespace
}  // namespace varve
