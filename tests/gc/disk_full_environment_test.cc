// A repository on a file system that is filled to the last byte: what was committed reads back, a
// delete and a collection bring the space back, and the next snapshot has room.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "api/engine.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/tiny_file_system.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 20 * kMiB;

void WriteFile(const std::string& path, const Bytes& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(content.data()),
             static_cast<std::streamsize>(content.size()));
}

Bytes ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!full_.refused().empty()) GTEST_SKIP() << full_.refused();
    ASSERT_TRUE(IsOk(Engine::Init(repository(), kChunkSizeDefault)));
  }
  std::string repository() const { return full_.File("repo"); }

  Result<std::unique_ptr<Engine>> Open(OpenMode mode) {
    return Engine::Open(repository(), mode, "test", [](const std::string&) {});
  }
  Result<SnapshotReport> Take(const Bytes& content, const std::string& name) {
    WriteFile(elsewhere_.File("volume"), content);
    VARVE_ASSIGN_OR_RETURN(const auto engine, Open(OpenMode::kWrite));
    SnapshotOptions options;
    options.volume_name = name;
    Progress progress;
    return engine->Snapshot(elsewhere_.File("volume"), options, progress);
  }
  void ExpectRestores(const SnapshotRecord& record, const Bytes& content) {
    const auto engine = Open(OpenMode::kRead);
    ASSERT_TRUE(IsOk(engine));
    Progress progress;
    RestoreRequest request;
    request.target = elsewhere_.File("restored-" + record.id.Short());
    ASSERT_TRUE(IsOk((*engine)->Restore(record, request, progress)));
    EXPECT_TRUE(ReadWhole(request.target) == content);
    std::filesystem::remove(request.target);
  }
  // Writes until nothing more goes in.
  void FillUp() {
    std::FILE* file = std::fopen(full_.File("ballast").c_str(), "ab");
    const Bytes block(4096, 'x');
    while (std::fwrite(block.data(), 1, block.size(), file) == block.size() &&
           std::fflush(file) == 0) {
    }
    std::fclose(file);
  }

  TinyFileSystem full_{72 * kMiB};
  TemporaryDirectory elsewhere_;
};

TEST_F(DiskFullTest, ForgetAndGcBringSpaceBackAtZeroBytesFree) {
  const Bytes first = RandomBytes(1, kVolumeBytes);
  const Bytes second = RandomBytes(2, kVolumeBytes);
  const auto one = Take(first, "one");
  ASSERT_TRUE(IsOk(one));
  const auto two = Take(second, "two");
  ASSERT_TRUE(IsOk(two));
  EXPECT_TRUE(std::filesystem::exists(repository() + "/reserve"));
  FillUp();
  EXPECT_EQ(std::filesystem::space(full_.path()).available, 0U);
  const auto third = Take(RandomBytes(3, kVolumeBytes), "three");
  EXPECT_FALSE(third.ok()) << "there is no room";
  FillUp();
  ExpectRestores(one->record, first);
  ExpectRestores(two->record, second);

  {
    const auto engine = Open(OpenMode::kMaintain);
    ASSERT_TRUE(IsOk(engine));
    ForgetRequest request;
    request.selectors = {one->record.id.Hex()};
    const auto plan = (*engine)->PlanForget(request);
    ASSERT_TRUE(IsOk(plan));
    ASSERT_TRUE(IsOk((*engine)->Forget(*plan)));
  }
  {
    const auto engine = Open(OpenMode::kMaintain);
    ASSERT_TRUE(IsOk(engine));
    GcOptions options;
    options.force = true;
    Progress progress;
    const auto gc = Collection::Begin((*engine)->repository(), options, progress);
    ASSERT_TRUE(IsOk(gc));
    ASSERT_TRUE(IsOk((*gc)->Plan()));
    const auto report = (*gc)->Execute();
    ASSERT_TRUE(IsOk(report));
    EXPECT_GE(report->bytes_unlinked, kVolumeBytes);
  }
  EXPECT_GE(std::filesystem::space(full_.path()).available, kVolumeBytes / 2);
  ExpectRestores(two->record, second);
  const Bytes fourth = RandomBytes(4, kVolumeBytes / 2);
  const auto four = Take(fourth, "four");
  ASSERT_TRUE(IsOk(four));
  ExpectRestores(four->record, fourth);
}

}  // namespace
}  // namespace varve
