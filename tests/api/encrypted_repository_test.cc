// An encrypted repository as a user has it: on a real disk, through the engine's door.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/engine.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

constexpr char kCanary[] = "CANARY-7c1f-the-customers-own-words";
constexpr char kPassphrase[] = "correct horse battery staple";
constexpr ScryptCost kCheap{10, 8, 1};

void WriteFile(const std::string& path, ByteSpan bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

Bytes ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Compressible, random and zero chunks, and the canary once in each leaf.
Bytes CanaryVolume(uint64_t seed) {
  Bytes volume(5 * kMiB + 777);
  const Bytes noise = RandomBytes(seed, volume.size() / 2);
  std::copy(noise.begin(), noise.end(), volume.begin());
  for (size_t at = volume.size() / 2; at < volume.size() - kMiB; ++at) {
    volume[at] = static_cast<uint8_t>("varve stores layers "[at % 20]);
  }
  for (size_t at = 5000; at + 64 < volume.size(); at += 300'000) {
    std::copy_n(kCanary, sizeof(kCanary) - 1, volume.begin() + static_cast<ptrdiff_t>(at));
  }
  return volume;
}

class EncryptedRepository : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(passphrase_file(), AsBytes(std::string(kPassphrase) + "\n"));
    WriteFile(directory_.File("wrong"), AsBytes("another"));
    const EncryptionOptions encryption{Key(), "first", kCheap};
    ASSERT_TRUE(IsOk(Engine::Init(repository(), 64 * kKiB, &encryption)));
  }

  std::string repository() const { return directory_.File("repository"); }
  std::string passphrase_file() const { return directory_.File("passphrase"); }
  KeySource Key() const { return KeySource::PassphraseFile(passphrase_file()); }

  Result<std::unique_ptr<Engine>> Open(OpenMode mode, const KeySource& key,
                                       bool may_stay_locked = false) {
    return Engine::Open(repository(), mode, "test",
                        [this](const std::string& line) { notices_ += line + "\n"; },
                        {key, may_stay_locked});
  }

  SnapshotRecord Take(const Bytes& volume) {
    WriteFile(directory_.File("volume"), volume);
    auto engine = Open(OpenMode::kWrite, Key());
    EXPECT_TRUE(IsOk(engine));
    SnapshotOptions options;
    options.volume_name = std::string("name-") + kCanary;
    options.consistency = Consistency::kFuzzy;
    options.tags = {{"note", kCanary}};
    Progress progress;
    const Result<SnapshotReport> report =
        (*engine)->Snapshot(directory_.File("volume"), options, progress);
    EXPECT_TRUE(IsOk(report));
    return report->record;
  }

  Bytes Restore(Engine& engine, const SnapshotRecord& record) {
    const std::string target = directory_.File("restored");
    std::filesystem::remove(target);
    Progress progress;
    EXPECT_TRUE(IsOk(engine.Restore(record, {target, TargetMode::kNewFile, {}}, progress)));
    return ReadFile(target);
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(repository())) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  const TemporaryDirectory directory_;
  std::string notices_;
};

TEST_F(EncryptedRepository, SnapshotsComeBackAndIncrementsToo) {
  const Bytes first = CanaryVolume(1);
  Bytes second = first;
  for (size_t at = 100; at < second.size(); at += 500'000)
    second[at] ^= 1;
  const SnapshotRecord record_1 = Take(first);
  const SnapshotRecord record_2 = Take(second);
  EXPECT_GT(record_2.statistics.chunks_delta, 0U);
  auto engine = Open(OpenMode::kRead, Key());
  ASSERT_TRUE(IsOk(engine));
  EXPECT_EQ(Restore(**engine, record_1), first);
  EXPECT_EQ(Restore(**engine, record_2), second);
  Progress progress;
  const Result<CheckReport> check = (*engine)->Check(progress);
  ASSERT_TRUE(IsOk(check));
  EXPECT_TRUE(check->clean()) << check->findings[0].what;
  const Result<VerifyReport> verify = (*engine)->Verify(record_2, VerifyLevel::kFull, progress);
  ASSERT_TRUE(IsOk(verify));
  EXPECT_TRUE(verify->hurt.empty());
}

TEST_F(EncryptedRepository, BytesStoredAreTheGrowthOfTheRepository) {
  const auto bytes = [&] {
    uint64_t sum = 0;
    for (const std::string& file : Files()) {
      if (file.find("/index/") == std::string::npos) sum += std::filesystem::file_size(file);
    }
    return sum;
  };
  const uint64_t before = bytes();
  const SnapshotRecord record = Take(CanaryVolume(1));
  EXPECT_EQ(bytes() - before, record.statistics.bytes_stored);
}

TEST_F(EncryptedRepository, NoPlaintextIsFoundAnywhere) {
  const SnapshotRecord record = Take(CanaryVolume(1));
  size_t files = 0;
  for (const std::string& path : Files()) {
    ++files;
    const Bytes bytes = ReadFile(path);
    const std::string_view text = AsText(bytes);
    for (const std::string_view secret :
         {std::string_view(kCanary), std::string_view(kPassphrase),
          std::string_view("varve stores"), std::string_view(record.volume_identity)}) {
      EXPECT_EQ(text.find(secret), std::string_view::npos) << path << " holds " << secret;
    }
    // The root's id is in the open (frames are found by it), but no record names it.
    if (path.find("/snapshots/") != std::string::npos) {
      EXPECT_EQ(text.find(AsText(record.root.span())), std::string_view::npos) << path;
    }
  }
  EXPECT_GT(files, 5U);
  auto engine = Open(OpenMode::kRead, Key());
  ASSERT_TRUE(IsOk(engine));
  const RepositoryConfig& config = (*engine)->repository().config();
  for (const std::string& path : Files()) {
    const Bytes bytes = ReadFile(path);
    EXPECT_EQ(AsText(bytes).find(AsText(config.id_key)), std::string_view::npos) << path;
    EXPECT_EQ(AsText(bytes).find(AsText(config.fingerprint_secret)), std::string_view::npos)
        << path;
    EXPECT_EQ(AsText(bytes).find(AsText((*engine)->repository().key()->master_key.span())),
              std::string_view::npos)
        << path;
  }
  EXPECT_EQ(notices_.find(kPassphrase), std::string::npos);
}

TEST_F(EncryptedRepository, AProcessWithAKeyLeavesNoCore) {
  auto engine = Open(OpenMode::kRead, Key());
  ASSERT_TRUE(IsOk(engine));
  EXPECT_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  rlimit core{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &core), 0);
  EXPECT_EQ(core.rlim_cur, 0U);
}

TEST_F(EncryptedRepository, WrongAndMissingKeysAreToldApart) {
  const auto wrong = Open(OpenMode::kRead, KeySource::PassphraseFile(directory_.File("wrong")));
  EXPECT_TRUE(HasCode(wrong, Code::kDenied));
  EXPECT_TRUE(IsKeyFailure(wrong.status()));
  EXPECT_TRUE(Mentions(wrong, "opens none of the 1 key slots"));
  const auto missing = Open(OpenMode::kRead, KeySource::None());
  EXPECT_TRUE(IsKeyFailure(missing.status()));
  EXPECT_TRUE(Mentions(missing, "needs a passphrase (key slot"));
  EXPECT_TRUE(Mentions(missing, "'first'"));
  EXPECT_TRUE(IsKeyFailure(Open(OpenMode::kWrite, KeySource::None(), true).status()));
}

TEST_F(EncryptedRepository, WithoutTheKeyNamesAndStoredBytesCanBeChecked) {
  const SnapshotRecord record = Take(CanaryVolume(1));
  auto engine = Open(OpenMode::kRead, KeySource::None(), true);
  ASSERT_TRUE(IsOk(engine));
  ASSERT_TRUE((*engine)->repository().locked());
  const Result<std::vector<SnapshotId>> ids = (*engine)->repository().SnapshotIds();
  ASSERT_TRUE(IsOk(ids));
  EXPECT_EQ(*ids, std::vector<SnapshotId>{record.id});
  Progress progress;
  Result<CheckReport> check = (*engine)->Check(progress);
  ASSERT_TRUE(IsOk(check));
  EXPECT_TRUE(check->clean()) << check->findings[0].object << " " << check->findings[0].what;
  EXPECT_EQ(check->snapshots, 1U);
  EXPECT_GT(check->frames, 0U);
  EXPECT_TRUE(IsKeyFailure((*engine)->repository().Snapshot(record.id).status()));

  // One byte of anything that counts is found without the key.
  for (const std::string& path : Files()) {
    if (path.find("/index/") != std::string::npos || path.ends_with("/lock")) continue;
    const Bytes good = ReadFile(path);
    if (good.empty()) continue;  // a lock
    Bytes bad = good;
    bad[bad.size() / 2] ^= 0x10;
    WriteFile(path, bad);
    auto again = Open(OpenMode::kRead, KeySource::None(), true);
    ASSERT_TRUE(IsOk(again)) << path;
    check = (*again)->Check(progress);
    ASSERT_TRUE(IsOk(check));
    EXPECT_FALSE(check->clean()) << path;
    WriteFile(path, good);
  }
}

TEST_F(EncryptedRepository, AConfigurationInTheClearIsNoWayIn) {
  Take(CanaryVolume(1));
  // An attacker puts an own configuration in the place of the sealed one: new snapshots would be
  // stored in the clear.
  const std::string other = directory_.File("other");
  ASSERT_TRUE(IsOk(Engine::Init(other, 64 * kKiB)));
  for (const char* name : {"config", "config.copy"}) {
    WriteFile(repository() + "/" + name, ReadFile(other + "/" + name));
  }
  EXPECT_TRUE(Mentions(Open(OpenMode::kWrite, Key()), "is not encrypted, but a key was given"));
  EXPECT_TRUE(HasCode(Open(OpenMode::kWrite, KeySource::None()), Code::kCorruption));
  EXPECT_TRUE(HasCode(Open(OpenMode::kRead, KeySource::None(), true), Code::kCorruption));
}

}  // namespace
}  // namespace varve
