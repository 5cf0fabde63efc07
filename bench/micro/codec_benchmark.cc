// Frames: encoding whole and as deltas, decoding. Limits: zstd's own level 1, and copying. The
// compression reached stands beside each as "ratio" (raw bytes per stored byte).
#include <benchmark/benchmark.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "codec/frame_codec.h"
#include "micro/sample_pages.h"

namespace varve {
namespace {

constexpr size_t kChunks = 384;

struct Samples {
  Samples() : base(SamplePages(1, kChunks * kChunkSizeDefault)), changed(base) {
    for (size_t i = 0; i < kChunks; ++i) {  // one page of each chunk is another one
      FillSamplePage(2, i * 8 + i % 8,
                     MutableByteSpan(changed).subspan(
                         i * kChunkSizeDefault + i % 8 * kSamplePageBytes, kSamplePageBytes));
    }
  }
  static ByteSpan Chunk(const Bytes& bytes, size_t i) {
    return ByteSpan(bytes).subspan(i % kChunks * kChunkSizeDefault, kChunkSizeDefault);
  }
  Bytes base;
  Bytes changed;
};

const Samples& Data() {
  static const Samples samples;
  return samples;
}

void Report(benchmark::State& state, uint64_t stored_bytes) {
  const auto raw = static_cast<double>(state.iterations()) * kChunkSizeDefault;
  state.SetBytesProcessed(static_cast<int64_t>(raw));
  if (stored_bytes != 0) state.counters["ratio"] = raw / static_cast<double>(stored_bytes);
}

void BM_Limit_ZstdLevel1(benchmark::State& state) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  Bytes to(ZSTD_compressBound(kChunkSizeDefault));
  uint64_t stored = 0;
  size_t i = 0;
  for (auto _ : state) {
    const ByteSpan chunk = Samples::Chunk(Data().base, i++);
    stored += ZSTD_compressCCtx(context, to.data(), to.size(), chunk.data(), chunk.size(), 1);
  }
  ZSTD_freeCCtx(context);
  Report(state, stored);
}
BENCHMARK(BM_Limit_ZstdLevel1);

void BM_EncodeWhole(benchmark::State& state) {
  FrameEncoder encoder(static_cast<int>(state.range(0)));
  Bytes to(kChunkSizeDefault - kChunkSizeDefault / 32 - 1);
  uint64_t stored = 0;
  size_t i = 0;
  for (auto _ : state) {
    const auto length = encoder.EncodeWhole(Samples::Chunk(Data().base, i++), to);
    stored += length.value_or(kChunkSizeDefault);
  }
  Report(state, stored);
}
BENCHMARK(BM_EncodeWhole)->ArgName("level")->Arg(1)->Arg(3);

void BM_EncodeDelta(benchmark::State& state) {
  FrameEncoder encoder(1);
  Bytes to(kChunkSizeDefault / 2);
  uint64_t stored = 0;
  size_t i = 0;
  for (auto _ : state) {
    const auto length =
        encoder.EncodeDelta(Samples::Chunk(Data().changed, i), Samples::Chunk(Data().base, i), to);
    stored += length.value_or(kChunkSizeDefault);
    ++i;
  }
  Report(state, stored);
}
BENCHMARK(BM_EncodeDelta);

void BM_Limit_Copy(benchmark::State& state) {
  Bytes to(kChunkSizeDefault);
  size_t i = 0;
  for (auto _ : state) {
    const ByteSpan chunk = Samples::Chunk(Data().base, i++);
    std::copy(chunk.begin(), chunk.end(), to.begin());
    benchmark::ClobberMemory();
  }
  Report(state, 0);
}
BENCHMARK(BM_Limit_Copy);

// All chunks encoded first; those that do not compress are left out.
void Decode(benchmark::State& state, bool deltas) {
  FrameEncoder encoder(1);
  std::vector<Bytes> stored;
  std::vector<size_t> chunks;
  Bytes to(kChunkSizeDefault - kChunkSizeDefault / 32 - 1);
  for (size_t i = 0; i < kChunks; ++i) {
    const ByteSpan base = Samples::Chunk(Data().base, i);
    const auto length = deltas ? encoder.EncodeDelta(Samples::Chunk(Data().changed, i), base, to)
                               : encoder.EncodeWhole(base, to);
    if (!length) continue;
    stored.emplace_back(to.begin(), to.begin() + static_cast<ptrdiff_t>(*length));
    chunks.push_back(i);
  }
  FrameDecoder decoder;
  Bytes raw(kChunkSizeDefault);
  size_t i = 0;
  for (auto _ : state) {
    const size_t k = i++ % stored.size();
    const ByteSpan base = deltas ? Samples::Chunk(Data().base, chunks[k]) : ByteSpan();
    if (!decoder.Decode(stored[k], base, raw).ok()) state.SkipWithError("does not decode");
  }
  Report(state, 0);
}
void BM_DecodeWhole(benchmark::State& state) {
  Decode(state, false);
}
void BM_DecodeDelta(benchmark::State& state) {
  Decode(state, true);
}
BENCHMARK(BM_DecodeWhole);
BENCHMARK(BM_DecodeDelta);

}  // namespace
}  // namespace varve
