// Real processes on a real directory: a second writer, and writers that are killed at any moment
// (kill -9 finds errors of logic; what a power cut does is crash_slow_test's). Every piece of work
// runs in a child of its own, so that the parent never holds threads, locks or an index.
//
// VARVE_KILLS: how many writers are killed (default 12).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "api/engine.h"
#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/temporary_directory.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 24 * kMiB + 1234;

class Child {
 public:
  // `work` answers the exit code.
  explicit Child(const std::function<int()>& work) : process_(fork()) {
    if (process_ == 0) _exit(work());
  }
  ~Child() {
    if (process_ > 0) Kill();
  }
  void Kill() {
    kill(process_, SIGKILL);
    Wait();
  }
  // The exit code; 128 + signal if it was killed.
  int Wait() {
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  pid_t process() const { return process_; }

 private:
  pid_t process_;
};

int InChild(const std::function<int()>& work) {
  return Child(work).Wait();
}

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    EXPECT_EQ(InChild([&] { return Engine::Init(repository_, kTestChunk).ok() ? 0 : 1; }), 0);
  }

  static constexpr uint32_t kTestChunk = 16 * kKiB;

  static int Fail(const Status& status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  }
  Result<std::unique_ptr<Engine>> Open(OpenMode mode) const {
    return Engine::Open(repository_, mode, "test", [](const std::string&) {});
  }
  void WriteVolume(const Bytes& content) const {
    std::ofstream file(volume_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
  }
  int Snapshot(uint64_t chunk_pack_bytes = kMiB) const {
    const auto engine = Open(OpenMode::kWrite);
    if (!engine.ok()) return Fail(engine.status());
    SnapshotOptions options;
    options.volume_name = "v";
    options.chunk_pack_bytes = chunk_pack_bytes;
    Progress progress;
    const auto report = (*engine)->Snapshot(volume_, options, progress);
    return report.ok() ? 0 : Fail(report.status());
  }
  // The latest snapshot is the volume as it is now, and the repository is whole.
  int Verify() const {
    const auto engine = Open(OpenMode::kRead);
    if (!engine.ok()) return Fail(engine.status());
    Progress progress;
    const auto check = (*engine)->Check(progress);
    if (!check.ok()) return Fail(check.status());
    if (!check->clean()) return 2;
    const auto record = (*engine)->Find("latest");
    if (!record.ok()) return Fail(record.status());
    const auto restored =
        (*engine)->Restore(*record, {target_, TargetMode::kReplace, {}}, progress);
    if (!restored.ok()) return Fail(restored.status());
    std::ifstream a(volume_, std::ios::binary);
    std::ifstream b(target_, std::ios::binary);
    const std::string in_a((std::istreambuf_iterator<char>(a)), {});
    const std::string in_b((std::istreambuf_iterator<char>(b)), {});
    return in_a == in_b ? 0 : 3;
  }

  const TemporaryDirectory directory_;
  const std::string repository_ = directory_.File("repository");
  const std::string volume_ = directory_.File("volume");
  const std::string target_ = directory_.File("target");
};

TEST_F(ProcessTest, SecondWriterIsToldWhoTheFirstIsAndReadersWork) {
  WriteVolume(VolumeBytes(1, kVolumeBytes));
  ASSERT_EQ(InChild([&] { return Snapshot(); }), 0);
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  Child writer([&] {
    const auto engine = Open(OpenMode::kWrite);
    if (!engine.ok()) return Fail(engine.status());
    if (write(ready[1], "x", 1) != 1) return 1;
    while (true)
      pause();
    return 0;
  });
  close(ready[1]);  // a child that fails before it is ready ends the wait
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const std::string name = "process " + std::to_string(writer.process());
  EXPECT_EQ(InChild([&] {
              const auto engine = Open(OpenMode::kWrite);
              const bool told = engine.status().code() == Code::kBusy &&
                                engine.status().message().find(name) != std::string::npos;
              return told ? 0 : Fail(engine.status());
            }),
            0);
  EXPECT_EQ(InChild([&] { return Verify(); }), 0);
  writer.Kill();
  EXPECT_EQ(InChild([&] { return Snapshot(); }), 0) << "a dead writer's lock is nobody's";
  close(ready[0]);
}

TEST_F(ProcessTest, WriterKilledAtAnyMomentLeavesASoundRepository) {
  std::mt19937_64 random(FirstSeed());
  Bytes content = VolumeBytes(1, kVolumeBytes);
  WriteVolume(content);
  ASSERT_EQ(InChild([&] { return Snapshot(); }), 0);
  size_t killed = 0;
  const uint64_t kills = SampleSize("VARVE_KILLS", 12, 6);
  for (uint64_t i = 0; i < kills; ++i) {
    SCOPED_TRACE("kill " + std::to_string(i));
    content = Edited(i, content, 2000);
    WriteVolume(content);
    {
      Child writer([&] { return Snapshot(); });
      // However long it waits, the repository must be sound; the length only decides where.
      usleep(static_cast<useconds_t>(random() % 120'000));
      kill(writer.process(), SIGKILL);
      killed += writer.Wait() > 128 ? 1 : 0;
    }
    ASSERT_EQ(InChild([&] { return Snapshot(); }), 0);
    ASSERT_EQ(InChild([&] { return Verify(); }), 0);
  }
  std::printf("%zu of %llu writers were killed at work\n", killed,
              static_cast<unsigned long long>(kills));
}

}  // namespace
}  // namespace varve
