// The tree: building it from leaves, comparing two that differ in few chunks. Limit of building:
// hashing the same nodes. Nodes are kept in memory packs, so no disk is measured.
#include <benchmark/benchmark.h>

#include "base/content_hasher.h"
#include "tree/tree_builder.h"

namespace varve {
namespace {

constexpr uint64_t kLeaves = 16'384;  // 64 GiB of volume
constexpr uint64_t kVolumeBytes = kLeaves * kLeafChunks * kChunkSizeDefault;

NodeRef Leaf(uint64_t number) {
  NodeRef leaf;
  StoreLe<uint64_t>(leaf.id.bytes.data(), number + 1);
  leaf.chunk_count = kLeafChunks;
  return leaf;
}

void BM_BuildTree(benchmark::State& state) {
  const TreeGeometry geometry(kVolumeBytes, kChunkSizeDefault);
  for (auto _ : state) {
    uint64_t node_bytes = 0;
    TreeBuilder builder(geometry, IdKey{1}, nullptr, [&](const NewNode& node) {
      node_bytes += node.bytes.size();
      return Status();
    });
    for (uint64_t i = 0; i < kLeaves; ++i) {
      if (!builder.AppendLeaf(Leaf(i)).ok()) state.SkipWithError("cannot append");
    }
    if (!builder.Finish().ok()) state.SkipWithError("cannot finish");
    benchmark::DoNotOptimize(node_bytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kLeaves));
}
BENCHMARK(BM_BuildTree);

void BM_Limit_HashNodes(benchmark::State& state) {
  ContentHasher hasher(IdKey{1});
  const Bytes node(kNodeHeaderBytes + kNodeFanout * kInnerEntryBytes, 7);
  for (auto _ : state) {
    for (uint64_t i = 0; i < kLeaves / kNodeFanout; ++i) {
      benchmark::DoNotOptimize(hasher.Compute(ContentKind::kInner, node));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kLeaves));
}
BENCHMARK(BM_Limit_HashNodes);

void BM_EncodeLeaf(benchmark::State& state) {
  std::vector<ChunkRef> chunks(kLeafChunks);
  for (size_t i = 0; i < chunks.size(); ++i)
    chunks[i].id.bytes[0] = chunks[i].fingerprint.bytes[0] = 1;
  for (auto _ : state)
    benchmark::DoNotOptimize(EncodeLeaf(chunks));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EncodeLeaf);

void BM_DecodeLeaf(benchmark::State& state) {
  std::vector<ChunkRef> chunks(kLeafChunks);
  for (size_t i = 0; i < chunks.size(); ++i)
    chunks[i].id.bytes[0] = chunks[i].fingerprint.bytes[0] = 1;
  const Bytes bytes = EncodeLeaf(chunks);
  for (auto _ : state)
    benchmark::DoNotOptimize(DecodeLeaf("leaf", bytes, kLeafChunks));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DecodeLeaf);

}  // namespace
}  // namespace varve
