// Quotas as a user has them: refused before work starts, stopped in the middle, given back by gc.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "api/engine.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

// Bytes that do not compress: what is stored is about what is in the volume.
Bytes Noise(uint64_t seed, size_t chunks) {
  return RandomBytes(seed, chunks * kChunkSizeDefault);
}

class QuotaTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    WriteFile(directory_.File("key"), RandomBytes(1, 64));
    const EncryptionOptions encryption{Key(), "", {}};
    ASSERT_TRUE(
        IsOk(Engine::Init(repository(), kChunkSizeDefault, GetParam() ? &encryption : nullptr)));
  }

  std::string repository() const { return directory_.File("repository"); }
  KeySource Key() const { return KeySource::KeyFile(directory_.File("key")); }
  static void WriteFile(const std::string& path, ByteSpan bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  std::unique_ptr<Engine> Open(OpenMode mode) {
    KeyOptions key;
    key.source = GetParam() ? Key() : KeySource::None();
    auto engine = Engine::Open(
        repository(), mode, "test", [](const std::string&) {}, key);
    EXPECT_TRUE(IsOk(engine));
    return *std::move(engine);
  }
  Result<SnapshotReport> Take(const Bytes& content, const std::string& volume = "v",
                              std::optional<SnapshotId> parent = {}) {
    WriteFile(directory_.File("volume"), content);
    SnapshotOptions options;
    options.volume_name = volume;
    options.parent = parent;
    options.workers = 1;
    options.chunk_pack_bytes = kMiB;
    Progress progress;
    return Open(OpenMode::kWrite)->Snapshot(directory_.File("volume"), options, progress);
  }
  uint64_t Set(uint64_t bytes_max, const std::string& volume = "v") {
    Progress progress;
    const auto state = Open(OpenMode::kMaintain)->SetQuota(volume, bytes_max, progress);
    EXPECT_TRUE(IsOk(state));
    return state.ok() ? state->bytes_used : 0;
  }
  uint64_t Used(const std::string& volume = "v") {
    const auto states = Open(OpenMode::kRead)->Quotas();
    EXPECT_TRUE(IsOk(states));
    for (const QuotaState& state : *states) {
      if (state.quota.volume_name == volume) return state.bytes_used;
    }
    ADD_FAILURE() << volume << " has no quota";
    return 0;
  }
  void Forget(const SnapshotId& id) {
    ASSERT_TRUE(IsOk(Open(OpenMode::kMaintain)->repository().Delete({&id, 1}, "test")));
  }
  void Collect() {
    const auto engine = Open(OpenMode::kMaintain);
    GcOptions options;
    options.force = true;
    Progress progress;
    const auto gc = Collection::Begin(engine->repository(), options, progress);
    ASSERT_TRUE(IsOk(gc));
    ASSERT_TRUE(IsOk((*gc)->Plan()));
    ASSERT_TRUE(IsOk((*gc)->Execute()));
  }
  // Bytes of all frames of all packs, headers included.
  uint64_t FrameBytes() {
    const auto engine = Open(OpenMode::kRead);
    Storage& storage = engine->repository().storage();
    const auto packs = ListPacks(storage);
    uint64_t bytes = 0;
    for (const PackListing& pack : *packs) {
      const auto frames = ReadPackFrames(storage, pack.id, engine->repository().config().id);
      for (const PlacedFrame& frame : *frames)
        bytes += frame.info.FrameBytes();
    }
    return bytes;
  }
  std::map<std::string, uint64_t> Files() const {
    std::map<std::string, uint64_t> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repository())) {
      const std::string path = entry.path();
      if (!entry.is_regular_file() || path.find("/index/") != std::string::npos) continue;
      if (path.find("/locks/") == std::string::npos) files[path] = entry.file_size();
    }
    return files;
  }

  TemporaryDirectory directory_;
};

TEST_P(QuotaTest, AVolumeThatUsedItUpIsRefusedBeforeAnyWork) {
  ASSERT_TRUE(IsOk(Take(Noise(1, 32))));
  const uint64_t used = Set(100'000);
  EXPECT_EQ(used, FrameBytes()) << "measured exactly";
  const auto before = Files();
  const auto refused = Take(Noise(2, 32));
  EXPECT_TRUE(HasCode(refused, Code::kNoSpace));
  EXPECT_TRUE(Mentions(
      refused, "volume v: its quota is 100000 bytes, " + std::to_string(used) + " are in use"));
  EXPECT_EQ(Files(), before);
  EXPECT_TRUE(IsOk(Take(Noise(3, 4), "another volume")));
}

TEST_P(QuotaTest, ASnapshotThatWouldPassItIsNotTaken) {
  const Bytes small = Noise(1, 8);
  const auto first = Take(small);
  ASSERT_TRUE(IsOk(first));
  const uint64_t used = Set(Set(kMiB) + 10 * kMiB);  // a pack, not two
  Bytes large = small;
  const Bytes more = Noise(2, 400);  // 25 MiB
  large.insert(large.end(), more.begin(), more.end());
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto refused = Take(large);
    EXPECT_TRUE(HasCode(refused, Code::kNoSpace));
    EXPECT_TRUE(Mentions(refused, "volume v: its quota is"));
    EXPECT_EQ(Used(), used);
    // What was written before it stopped is there for the next attempt, and does not grow with it.
    EXPECT_GT(FrameBytes(), used + kMiB) << attempt;
    EXPECT_LT(FrameBytes(), used + 10 * kMiB) << attempt;
  }
  const auto listed = Open(OpenMode::kRead)->List("v");
  ASSERT_TRUE(IsOk(listed));
  EXPECT_EQ(listed->size(), 1U);
  Progress progress;
  EXPECT_TRUE(IsOk(Open(OpenMode::kRead)->Verify(first->record, VerifyLevel::kFull, progress)));
  // With more room it is taken, and what it found stored counts as its own.
  Set(100 * kMiB);
  const auto taken = Take(large);
  ASSERT_TRUE(IsOk(taken));
  EXPECT_GT(taken->record.statistics.bytes_reused, kMiB);
  EXPECT_GE(Used(), 408 * kChunkSizeDefault);
  EXPECT_LE(Used(), 408 * kChunkSizeDefault * 11 / 10);
}

TEST_P(QuotaTest, WhatIsForgottenCountsUntilItIsCollected) {
  const auto first = Take(Noise(1, 32));
  ASSERT_TRUE(IsOk(first));
  Set(100 * kMiB);
  const auto second = Take(Noise(2, 16));
  ASSERT_TRUE(IsOk(second));
  const uint64_t both = Used();
  EXPECT_GT(both, 48 * kChunkSizeDefault);
  Forget(first->record.id);
  EXPECT_EQ(Used(), both);
  Collect();
  EXPECT_EQ(Used(), FrameBytes());
  EXPECT_LT(Used(), 17 * kChunkSizeDefault);
}

// The second snapshot stands on what the first one stored: forgetting that does not free it.
TEST_P(QuotaTest, WhatLaterSnapshotsNeedStaysInUse) {
  Bytes content = Noise(1, 32);
  const auto first = Take(content);
  ASSERT_TRUE(IsOk(first));
  Set(100 * kMiB);
  content[5] ^= 1;
  ASSERT_TRUE(IsOk(Take(content)));
  Forget(first->record.id);
  Collect();
  EXPECT_GE(Used(), 32 * kChunkSizeDefault);
  EXPECT_LE(Used(), FrameBytes());
}

TEST_P(QuotaTest, AParentOfAnotherVolumeCounts) {
  const Bytes content = Noise(1, 32);
  const auto other = Take(content, "other");
  ASSERT_TRUE(IsOk(other));
  Set(100 * kMiB);
  const auto taken = Take(content, "v", other->record.id);
  ASSERT_TRUE(IsOk(taken));
  EXPECT_GE(Used(), 32 * kChunkSizeDefault);
  Set(kMiB, "w");
  EXPECT_TRUE(HasCode(Take(content, "w", other->record.id), Code::kNoSpace));
}

TEST_P(QuotaTest, CopiesAreBoundedTooAndRemovedQuotasBoundNothing) {
  ASSERT_TRUE(IsOk(Take(Noise(1, 32))));
  const std::string twin = directory_.File("twin");
  for (const bool shared : {true, false}) {
    std::filesystem::remove_all(twin);
    const auto engine = Open(OpenMode::kRead);
    RepositoryOptions options(kChunkSizeDefault);
    if (shared) options.like = &engine->repository().config();
    ASSERT_TRUE(IsOk(Engine::Init(twin, options)));
    auto target = Engine::Open(twin, OpenMode::kWrite, "test", [](const std::string&) {},
                               {KeySource::None(), false});
    ASSERT_TRUE(IsOk(target));
    Progress progress;
    ASSERT_TRUE(IsOk((*target)->SetQuota("v", kMiB, progress)));
    const auto records = engine->List("v");
    ASSERT_TRUE(IsOk(records));
    const auto copied =
        CopySnapshot(engine->repository(), (*records)[0], (*target)->repository(), progress);
    EXPECT_TRUE(HasCode(copied, Code::kNoSpace));
    EXPECT_TRUE((*target)->List("v")->empty());
    ASSERT_TRUE(IsOk((*target)->RemoveQuota("v")));
    EXPECT_TRUE(HasCode((*target)->RemoveQuota("v"), Code::kNotFound));
    EXPECT_TRUE(
        IsOk(CopySnapshot(engine->repository(), (*records)[0], (*target)->repository(), progress)));
  }
}

INSTANTIATE_TEST_SUITE_P(Sealing, QuotaTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Sealed" : "Clear"; });

}  // namespace
}  // namespace varve
