#include "macro/workloads.h"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/limits.h"
#include "base/random.h"
#include "io/posix_disk.h"
#include "micro/sample_pages.h"
#include "store/frame_writer.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

constexpr uint64_t kPagesPerChunk = kChunkSizeDefault / kSamplePageBytes;

uint64_t PageCount(const Workplace& place) {
  return place.volume_bytes / kSamplePageBytes;
}

// One page in each of `count` chunks becomes another one.
void ChangeChunks(const Workplace& place, uint64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (uint64_t i = 0; i < count; ++i) {
    WritePages(place, random() % PageCount(place), 1, seed);
  }
  sync();
}

void MakeFirst(const Workplace& place, Findings* findings) {
  MakeVolume(place);
  InitRepository(place);
  TakeTimed(place, "first", findings);
}

}  // namespace

void RunFill(const Workplace& place, Findings* findings) {
  MakeVolume(place);
  InitRepository(place);
  const SnapshotRecord record = TakeTimed(place, "first", findings);
  double seconds = 0;
  RestoreTimed(place, record, place.directory / "restored.img", TargetMode::kNewFile, &seconds);
  findings->Add("restore_seconds", seconds);
}

void RunUnchanged(const Workplace& place, Findings* findings) {
  MakeFirst(place, findings);
  const double limit = ReadVolumeSeconds(place);
  TakeTimed(place, "unchanged", findings);
  findings->Add("limit_read_seconds", limit);
  findings->Add("unchanged_share_of_limit", limit / findings->Get("unchanged_seconds"));
}

void RunRandom(const Workplace& place, Findings* findings) {
  MakeFirst(place, findings);
  ChangeChunks(place, PageCount(place) / 100, place.seed + 1);
  TakeTimed(place, "increment", findings);
  findings->Add("increment_metadata_share", findings->Get("increment_bytes_metadata") /
                                                findings->Get("increment_bytes_stored"));
}

void RunSequential(const Workplace& place, Findings* findings) {
  MakeFirst(place, findings);
  WritePages(place, PageCount(place) / 3, PageCount(place) / 20, place.seed + 1);
  sync();
  TakeTimed(place, "increment", findings);
}

void RunInPlace(const Workplace& place, Findings* findings) {
  MakeVolume(place);
  InitRepository(place);
  const SnapshotRecord record = TakeTimed(place, "first", findings);
  const uint64_t chunks = PageCount(place) / kPagesPerChunk;
  for (uint64_t i = 0; i < chunks / 100; ++i) {  // distinct chunks
    WritePages(place, i * 100 * kPagesPerChunk + i % kPagesPerChunk, 1, place.seed + 1);
  }
  sync();
  const double limit = ReadVolumeSeconds(place);
  double seconds = 0;
  const RestoreReport report =
      RestoreTimed(place, record, place.Volume(), TargetMode::kInPlace, &seconds);
  findings->Add("differing_bytes", static_cast<double>(chunks / 100 * kChunkSizeDefault));
  findings->Add("written_bytes", static_cast<double>(report.bytes_written + report.bytes_zeroed));
  findings->Add("in_place_seconds", seconds);
  findings->Add("limit_read_seconds", limit);
}

void RunSparse(const Workplace& place, Findings* findings) {
  constexpr uint64_t kPlaces = 1024;
  for (uint64_t i = 0; i < kPlaces; ++i) {
    WritePages(place, i * (4 * kTiB / kPlaces / kSamplePageBytes), kMiB / kSamplePageBytes,
               place.seed + i);
  }
  if (truncate(place.Volume().c_str(), 4 * kTiB) != 0) GiveUp("cannot make a volume of 4 TiB");
  sync();
  InitRepository(place);
  TakeTimed(place, "first", findings);
  WritePages(place, 5 * kTiB / 4 / kSamplePageBytes, 1, place.seed + 7);
  sync();
  TakeTimed(place, "increment", findings);
}

void RunAging(const Workplace& place, Findings* findings) {
  constexpr int kSnapshots = 200;
  MakeVolume(place);
  InitRepository(place);
  Findings each;
  const SnapshotRecord first = TakeTimed(place, "each", &each);
  SnapshotRecord last;
  const Stopwatch watch;
  for (int i = 1; i < kSnapshots; ++i) {
    ChangeChunks(place, PageCount(place) / 200, place.seed + static_cast<uint64_t>(i));
    last = TakeTimed(place, "each", &each);
  }
  findings->Add("snapshots", static_cast<double>(kSnapshots));
  findings->Add("taking_seconds", watch.Seconds());
  double best_first = 1e9;
  double best_last = 1e9;
  for (int round = 0; round < 3; ++round) {
    double seconds = 0;
    const std::string target = place.directory / "restored.img";
    RestoreTimed(place, first, target, TargetMode::kNewFile, &seconds);
    best_first = std::min(best_first, seconds);
    RestoreTimed(place, last, target, TargetMode::kNewFile, &seconds);
    best_last = std::min(best_last, seconds);
  }
  findings->Add("restore_first_seconds", best_first);
  findings->Add("restore_last_seconds", best_last);
  findings->Add("restore_last_to_first", best_last / best_first);
}

// Packs of frames that hold 64 bytes each instead of 64 KiB: their footers are as those of full
// ones, and only footers are read.
void RunRebuild(const Workplace& place, Findings* findings) {
  constexpr uint64_t kFrames = 1'000'000;
  constexpr uint64_t kFramesPerPack = 1000;
  InitRepository(place);
  auto engine =
      Engine::Open(place.Repository(), OpenMode::kWrite, "benchmark", [](const std::string&) {});
  Require(engine.status(), "open");
  Repository& repository = (*engine)->repository();
  PackWriter pack(PackContent::kChunks, repository.config().id, kMiB);
  FrameWriter writer(1);
  FrameBatch batch(64 * kKiB);
  Bytes raw(64);
  for (uint64_t i = 0; i < kFrames; ++i) {
    if (i % kFramesPerPack == 0) pack.Begin(repository.random().NewId<PackId>());
    ContentId id;
    repository.random().Fill(id.bytes);
    batch.Clear();
    Require(writer.Append(ContentKind::kChunk, id, raw, nullptr, &batch), "encode");
    pack.Append(batch.bytes(), batch.frames());
    if (i % kFramesPerPack != kFramesPerPack - 1) continue;
    const Result<ByteSpan> bytes = pack.Finish();
    Require(bytes.status(), "pack");
    Require(repository.storage().Publish(PackPath(pack.id()), *bytes), "publish");
  }
  const Stopwatch watch;
  Require(repository.RebuildIndex(), "rebuild the index");
  const double seconds = watch.Seconds();
  findings->Add("frames", static_cast<double>(kFrames));
  findings->Add("rebuild_seconds", seconds);
  findings->Add("frames_per_second", kFrames / seconds);
  findings->Add("extrapolated_seconds_per_tib",
                seconds * (static_cast<double>(kTiB) / kChunkSizeDefault / kFrames));
}

}  // namespace varve
