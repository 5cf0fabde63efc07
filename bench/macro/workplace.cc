#include "macro/workplace.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "io/file_descriptor.h"
#include "micro/sample_pages.h"

namespace varve {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double CpuNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::unique_ptr<Engine> OpenEngine(const Workplace& place, OpenMode mode) {
  auto engine = Engine::Open(place.Repository(), mode, "benchmark", [](const std::string& text) {
    std::fprintf(stderr, "varve_macro: %s\n", text.c_str());
  });
  Require(engine.status(), "open the repository");
  return *std::move(engine);
}

}  // namespace

void GiveUp(const std::string& what) {
  std::fprintf(stderr, "varve_macro: %s\n", what.c_str());
  std::_Exit(1);
}

double Findings::Get(const std::string& name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  GiveUp("nothing was found for " + name);
}

void Require(const Status& status, const std::string& what) {
  if (!status.ok()) GiveUp(what + ": " + status.message());
}

Stopwatch::Stopwatch() : wall_(Now()), cpu_(CpuNow()) {}
double Stopwatch::Seconds() const {
  return Now() - wall_;
}
double Stopwatch::CpuSeconds() const {
  return CpuNow() - cpu_;
}

void WritePages(const Workplace& place, uint64_t first, uint64_t count, uint64_t seed) {
  const FileDescriptor file(open(place.Volume().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) GiveUp("cannot open " + place.Volume());
  Bytes piece(std::min<uint64_t>(count, 128) * kSamplePageBytes);
  for (uint64_t done = 0; done < count;) {
    const uint64_t pages = std::min<uint64_t>(count - done, 128);
    for (uint64_t i = 0; i < pages; ++i) {
      FillSamplePage(seed, first + done + i,
                     MutableByteSpan(piece).subspan(i * kSamplePageBytes, kSamplePageBytes));
    }
    const size_t length = pages * kSamplePageBytes;
    const off_t offset = static_cast<off_t>((first + done) * kSamplePageBytes);
    if (pwrite(file.get(), piece.data(), length, offset) != static_cast<ssize_t>(length)) {
      GiveUp("cannot write " + place.Volume());
    }
    done += pages;
  }
}

void MakeVolume(const Workplace& place) {
  WritePages(place, 0, place.volume_bytes / kSamplePageBytes, place.seed);
  sync();
}

void InitRepository(const Workplace& place) {
  Require(Engine::Init(place.Repository(), RepositoryOptions()), "init");
}

SnapshotRecord TakeTimed(const Workplace& place, const std::string& prefix, Findings* findings) {
  const Stopwatch watch;
  SnapshotOptions options;
  options.volume_name = "volume";
  Progress progress;
  SnapshotRecord record;
  {
    const std::unique_ptr<Engine> engine = OpenEngine(place, OpenMode::kWrite);
    auto report = engine->Snapshot(place.Volume(), options, progress);
    Require(report.status(), "snapshot");
    record = report->record;
  }
  const SnapshotStatistics& statistics = record.statistics;
  findings->Add(prefix + "_seconds", watch.Seconds());
  findings->Add(prefix + "_cpu_seconds", watch.CpuSeconds());
  findings->Add(prefix + "_bytes_read", static_cast<double>(statistics.bytes_read));
  findings->Add(prefix + "_chunks_changed", static_cast<double>(statistics.chunks_changed));
  findings->Add(prefix + "_bytes_stored", static_cast<double>(statistics.bytes_stored));
  findings->Add(prefix + "_bytes_metadata", static_cast<double>(statistics.bytes_metadata));
  return record;
}

RestoreReport RestoreTimed(const Workplace& place, const SnapshotRecord& record,
                           const std::string& target, TargetMode mode, double* seconds) {
  const Stopwatch watch;
  Progress progress;
  RestoreRequest request;
  request.target = target;
  request.mode = mode;
  const std::unique_ptr<Engine> engine = OpenEngine(place, OpenMode::kRead);
  auto outcome = engine->Restore(record, request, progress);
  Require(outcome.status(), "restore");
  *seconds = watch.Seconds();
  if (mode == TargetMode::kNewFile) std::filesystem::remove(target);
  return outcome->report;
}

double ReadVolumeSeconds(const Workplace& place) {
  const FileDescriptor file(open(place.Volume().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  if (!file.valid()) GiveUp("cannot open " + place.Volume() + " past the page cache");
  const Stopwatch watch;
  std::atomic<uint64_t> next{0};
  const auto read_all = [&] {
    AlignedBuffer buffer(kReadSize);
    while (true) {
      const uint64_t offset = next.fetch_add(kReadSize);
      if (pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset)) <= 0) return;
    }
  };
  std::thread other(read_all);
  read_all();
  other.join();
  return watch.Seconds();
}

}  // namespace varve
