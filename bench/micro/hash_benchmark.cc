// Fingerprints and ids of chunks. Limits: reading memory once; OpenSSL's SHA-256, one message at a
// time.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "micro/sample_pages.h"

namespace varve {
namespace {

constexpr size_t kChunks = 1024;  // 64 MiB: more than the caches hold

const Bytes& Data() {
  static const Bytes data = SamplePages(1, kChunks * kChunkSizeDefault);
  return data;
}

ByteSpan Chunk(size_t i) {
  return ByteSpan(Data()).subspan(i % kChunks * kChunkSizeDefault, kChunkSizeDefault);
}

void CountChunks(benchmark::State& state, size_t chunks_per_iteration) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(chunks_per_iteration * kChunkSizeDefault));
}

void BM_Limit_ReadMemory(benchmark::State& state) {
  size_t i = 0;
  for (auto _ : state) {
    uint64_t sum = 0;
    const ByteSpan chunk = Chunk(i++);
    for (size_t at = 0; at < chunk.size(); at += 64)
      sum += LoadLe<uint64_t>(chunk.data() + at);
    benchmark::DoNotOptimize(sum);
  }
  CountChunks(state, 1);
}
BENCHMARK(BM_Limit_ReadMemory);

void BM_Fingerprint(benchmark::State& state) {
  const FingerprintSecret secret{1, 2, 3};
  size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(ComputeFingerprint(secret, Chunk(i++)));
  CountChunks(state, 1);
}
BENCHMARK(BM_Fingerprint);

void BM_IsAllZero(benchmark::State& state) {
  const Bytes zeros(kChunkSizeDefault);
  for (auto _ : state)
    benchmark::DoNotOptimize(IsAllZero(zeros));
  CountChunks(state, 1);
}
BENCHMARK(BM_IsAllZero);

void BM_Limit_Sha256(benchmark::State& state) {
  uint8_t digest[32];
  size_t i = 0;
  for (auto _ : state) {
    const ByteSpan chunk = Chunk(i++);
    EVP_Digest(chunk.data(), chunk.size(), digest, nullptr, EVP_sha256(), nullptr);
    benchmark::DoNotOptimize(digest);
  }
  CountChunks(state, 1);
}
BENCHMARK(BM_Limit_Sha256);

void BM_IdOfOneChunk(benchmark::State& state) {
  ContentHasher hasher(IdKey{1});
  size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(hasher.Compute(ContentKind::kChunk, Chunk(i++)));
  CountChunks(state, 1);
}
BENCHMARK(BM_IdOfOneChunk);

void BM_IdsOfFourChunks(benchmark::State& state) {
  ContentHasher hasher(IdKey{1});
  ContentId ids[4];
  size_t i = 0;
  for (auto _ : state) {
    const ByteSpan chunks[] = {Chunk(i), Chunk(i + 1), Chunk(i + 2), Chunk(i + 3)};
    hasher.ComputeMany(ContentKind::kChunk, chunks, ids);
    benchmark::DoNotOptimize(ids);
    i += 4;
  }
  CountChunks(state, 4);
}
BENCHMARK(BM_IdsOfFourChunks);

}  // namespace
}  // namespace varve
