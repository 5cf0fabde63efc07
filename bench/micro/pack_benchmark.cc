// Packs: filling one in memory and checking it, publishing it durably, reading its frames back.
// Limits: copying, and one plain write and sync of as many bytes.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "base/random.h"
#include "io/aligned_buffer.h"
#include "io/posix_disk.h"
#include "io/storage.h"
#include "micro/sample_pages.h"
#include "store/frame_writer.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

// A leaf's frames, encoded once.
const FrameBatch& LeafFrames() {
  static const FrameBatch batch = [] {
    FrameBatch made(kLeafChunks * (kChunkSizeDefault + kDeltaHeaderBytes));
    FrameWriter writer(1);
    const Bytes data = SamplePages(1, kLeafChunks * kChunkSizeDefault);
    for (size_t i = 0; i < kLeafChunks; ++i) {
      ContentId id;
      StoreLe<uint64_t>(id.bytes.data(), i + 1);
      VARVE_CHECK(writer
                      .Append(ContentKind::kChunk, id,
                              ByteSpan(data).subspan(i * kChunkSizeDefault, kChunkSizeDefault),
                              nullptr, &made)
                      .ok());
    }
    return made;
  }();
  return batch;
}

ByteSpan FillPack(PackWriter& pack, benchmark::State& state) {
  pack.Begin(Random::System().NewId<PackId>());
  while (pack.size_bytes() < kDataPackTarget - LeafFrames().bytes().size() - kMiB) {
    pack.Append(LeafFrames().bytes(), LeafFrames().frames());
  }
  const Result<ByteSpan> bytes = pack.Finish();
  if (!bytes.ok()) {
    state.SkipWithError("a pack does not finish");
    return {};
  }
  return *bytes;
}

class Repository {
 public:
  Repository() : path_(std::filesystem::temp_directory_path() / "varve-micro-packs") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_ / "packs");
    for (int shard = 0; shard < 256; ++shard) {
      const auto byte = static_cast<uint8_t>(shard);
      std::filesystem::create_directories(path_ / "packs" / ToHex({&byte, 1}));
    }
    auto opened = OpenPosixDisk(path_);
    VARVE_CHECK(opened.ok());
    disk = *std::move(opened);
  }
  ~Repository() { std::filesystem::remove_all(path_); }
  std::unique_ptr<Disk> disk;

 private:
  const std::filesystem::path path_;
};

void BM_FillPack(benchmark::State& state) {
  PackWriter pack(PackContent::kChunks, RepositoryId{}, kDataPackTarget);
  int64_t bytes = 0;
  for (auto _ : state)
    bytes += static_cast<int64_t>(FillPack(pack, state).size());
  state.SetBytesProcessed(bytes);
}
BENCHMARK(BM_FillPack);

void BM_Limit_CopyPack(benchmark::State& state) {
  AlignedBuffer from(kDataPackTarget);
  AlignedBuffer to(kDataPackTarget);
  for (auto _ : state) {
    std::copy(from.span().begin(), from.span().end(), to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kDataPackTarget));
}
BENCHMARK(BM_Limit_CopyPack);

void BM_PublishPack(benchmark::State& state) {
  Repository repository;
  Storage storage(*repository.disk);
  PackWriter pack(PackContent::kChunks, RepositoryId{}, kDataPackTarget);
  int64_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const ByteSpan whole = FillPack(pack, state);
    state.ResumeTiming();
    if (!storage.Publish(PackPath(pack.id()), whole).ok()) state.SkipWithError("cannot publish");
    bytes += static_cast<int64_t>(whole.size());
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(BM_PublishPack)->UseRealTime()->Iterations(24);

void BM_Limit_WriteAndSync(benchmark::State& state) {
  Repository repository;
  AlignedBuffer whole(kDataPackTarget);
  std::fill_n(whole.data(), whole.size(), uint8_t{7});
  int number = 0;
  for (auto _ : state) {
    auto file = repository.disk->Create("limit" + std::to_string(number++));
    if (!file.ok() || !(*file)->Append(whole.span()).ok() || !(*file)->Sync().ok()) {
      state.SkipWithError("cannot write");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kDataPackTarget));
}
BENCHMARK(BM_Limit_WriteAndSync)->UseRealTime()->Iterations(24);

void BM_ReadPackFrames(benchmark::State& state) {
  Repository repository;
  Storage storage(*repository.disk);
  PackWriter pack(PackContent::kChunks, RepositoryId{}, kDataPackTarget);
  const ByteSpan whole = FillPack(pack, state);
  if (!storage.Publish(PackPath(pack.id()), whole).ok()) state.SkipWithError("cannot publish");
  AlignedBuffer into(kDataPackTarget);
  const std::vector<PlacedFrame> frames = PlaceFrames(pack.frames());
  for (auto _ : state) {
    if (!storage.Read(PackPath(pack.id()), 0, into.span().first(whole.size())).ok()) {
      state.SkipWithError("cannot read");
    }
    for (const PlacedFrame& frame : frames) {
      const ByteSpan bytes = into.span().subspan(frame.offset, frame.info.FrameBytes());
      if (!CheckStoredFrame("pack", frame.offset, bytes, frame.info).ok()) {
        state.SkipWithError("a frame is damaged");
      }
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(whole.size()));
}
BENCHMARK(BM_ReadPackFrames)->UseRealTime();

}  // namespace
}  // namespace varve
