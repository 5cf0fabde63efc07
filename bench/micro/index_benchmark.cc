// The index on disk: lookups that hit, lookups that miss, adding packs. Limit: the index in memory.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "store/memory_index.h"
#include "store/rocks_index.h"

namespace varve {
namespace {

constexpr size_t kFramesPerPack = 1000;
constexpr size_t kPacks = 500;
constexpr size_t kBatch = kLeafChunks;  // a leaf's chunks are looked up together

ContentId IdOf(uint64_t number) {
  ContentId id;
  for (uint64_t i = 0; i < 4; ++i) {
    uint8_t seed[16];
    StoreLe<uint64_t>(seed, number);
    StoreLe<uint64_t>(seed + 8, i);
    StoreLe<uint64_t>(id.bytes.data() + 8 * i, ComputeChecksum(seed));
  }
  return id;
}

PackId PackOf(uint64_t number) {
  return PackId::FromBytes(IdOf(~number).bytes.data());
}

std::vector<PlacedFrame> FramesOf(uint64_t pack) {
  std::vector<PlacedFrame> frames(kFramesPerPack);
  for (size_t i = 0; i < kFramesPerPack; ++i) {
    frames[i].offset = i * 30'000;
    frames[i].info.encoding = Encoding::kZstd;
    frames[i].info.raw_length = kChunkSizeDefault;
    frames[i].info.stored_length = 29'000;
    frames[i].info.id = IdOf(pack * kFramesPerPack + i);
  }
  return frames;
}

std::string Directory() {
  return std::filesystem::temp_directory_path() / "varve-micro-index";
}

std::unique_ptr<Index> NewIndex(bool in_memory) {
  if (in_memory) return std::make_unique<MemoryIndex>();
  if (!DestroyRocksIndex(Directory()).ok()) return nullptr;
  auto index = OpenRocksIndex(Directory(), RepositoryId{}, IndexMode::kWriter);
  return index.ok() ? *std::move(index) : nullptr;
}

std::unique_ptr<Index> FilledIndex(benchmark::State& state, bool in_memory) {
  std::unique_ptr<Index> index = NewIndex(in_memory);
  if (index == nullptr) {
    state.SkipWithError("no index can be made below the temporary directory");
    return nullptr;
  }
  for (size_t pack = 0; pack < kPacks; ++pack) {
    if (!index->Add(PackOf(pack), FramesOf(pack)).ok()) state.SkipWithError("cannot add");
  }
  if (!index->Flush().ok()) state.SkipWithError("cannot flush");
  return index;
}

void LookUp(benchmark::State& state, bool in_memory, bool hits) {
  std::unique_ptr<Index> index = FilledIndex(state, in_memory);
  if (index == nullptr) return;
  std::vector<ContentId> ids(kBatch);
  std::vector<std::optional<Place>> places;
  uint64_t next = hits ? 0 : kPacks * kFramesPerPack;
  for (auto _ : state) {
    state.PauseTiming();
    for (ContentId& id : ids) {
      next += 7919;
      id = IdOf(hits ? next % (kPacks * kFramesPerPack) : next);
    }
    state.ResumeTiming();
    if (!index->FindMany(ids, &places).ok()) state.SkipWithError("lookup failed");
    if (places[0].has_value() != hits) state.SkipWithError("wrong answer");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
  index = nullptr;
  static_cast<void>(DestroyRocksIndex(Directory()));
}
void BM_Limit_LookUpInMemory(benchmark::State& state) {
  LookUp(state, true, true);
}
void BM_LookUpHit(benchmark::State& state) {
  LookUp(state, false, true);
}
void BM_LookUpMiss(benchmark::State& state) {
  LookUp(state, false, false);
}
BENCHMARK(BM_Limit_LookUpInMemory);
BENCHMARK(BM_LookUpHit);
BENCHMARK(BM_LookUpMiss);

void Add(benchmark::State& state, bool in_memory) {
  std::unique_ptr<Index> index = NewIndex(in_memory);
  if (index == nullptr) {
    state.SkipWithError("no index can be made below the temporary directory");
    return;
  }
  uint64_t pack = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<PlacedFrame> frames = FramesOf(pack);
    state.ResumeTiming();
    if (!index->Add(PackOf(pack++), frames).ok()) state.SkipWithError("cannot add");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kFramesPerPack));
  index = nullptr;
  static_cast<void>(DestroyRocksIndex(Directory()));
}
void BM_Limit_AddInMemory(benchmark::State& state) {
  Add(state, true);
}
void BM_AddPack(benchmark::State& state) {
  Add(state, false);
}
BENCHMARK(BM_Limit_AddInMemory);
BENCHMARK(BM_AddPack);

}  // namespace
}  // namespace varve
