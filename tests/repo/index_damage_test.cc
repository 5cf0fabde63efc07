// The index on a real disk, damaged where nobody looks when it is opened: readers go on without it,
// and a writer that meets the damage makes the index anew and finishes its work.
#include <gtest/gtest.h>

#include <fstream>

#include "sim/expect_status.h"
#include "sim/sample_repository.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 8 * kMiB + 99;

// Turns over a bit in the first block of every table: places of frames, not the list of packs.
int DamageTables(const std::string& index) {
  int tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(index)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(100);
    const int byte = file.get();
    file.seekp(100);
    file.put(static_cast<char>(byte ^ 4));
    ++tables;
  }
  return tables;
}

TEST(IndexDamageTest, ReadersAndWritersHealIt) {
  const SampleRepository sample;
  const Bytes content = SampleRepository::SampleVolume(1, kVolumeBytes);
  const SnapshotRecord first = sample.Snapshot(content);
  ASSERT_GT(DamageTables(sample.path() + "/index"), 0);
  {
    const auto engine = sample.Open(OpenMode::kRead);
    Progress progress;
    const auto verified = engine->Verify(first, VerifyLevel::kFull, progress);
    ASSERT_TRUE(IsOk(verified));
    EXPECT_TRUE(verified->hurt.empty());
    const auto check = engine->Check(progress);
    ASSERT_TRUE(IsOk(check));
    EXPECT_FALSE(check->clean()) << "a damaged index is told";
    EXPECT_TRUE(check->hurt.empty()) << "and hurts nothing";
  }
  Bytes changed = content;
  for (size_t at = 0; at < changed.size(); at += kMiB)
    changed[at] ^= 0x5A;
  const SnapshotRecord second = sample.Snapshot(changed);
  const auto engine = sample.Open(OpenMode::kRead);
  Progress progress;
  const auto check = engine->Check(progress);
  ASSERT_TRUE(IsOk(check));
  EXPECT_TRUE(check->clean()) << check->findings[0].what;
  EXPECT_TRUE(engine->Verify(second, VerifyLevel::kFull, progress)->hurt.empty());
}

}  // namespace
}  // namespace varve
