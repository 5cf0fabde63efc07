// Leaves and inner nodes on any bytes. Nodes carry no checksum; whoever can write a node whose id
// is right can write anything into it.
#include "format/node_format.h"
#include "fuzz/small_object_fuzzing.h"

namespace varve {
namespace {

void ReadLeaf(ByteSpan node, uint32_t entry_count) {
  const Result<std::vector<ChunkRef>> entries = DecodeLeaf("leaf", node, entry_count);
  if (!entries.ok()) return CheckRefusal(entries.status());
  VARVE_CHECK(entries->size() == entry_count);
  if (entry_count == 0 || entry_count > kLeafChunks) return;  // no geometry asks for it
  VARVE_CHECK(EncodeLeaf(*entries) == Bytes(node.begin(), node.end()));
}

void ReadInner(ByteSpan node, uint32_t level, uint32_t entry_count) {
  const Result<std::vector<NodeRef>> entries = DecodeInner("node", node, level, entry_count);
  if (!entries.ok()) return CheckRefusal(entries.status());
  VARVE_CHECK(entries->size() == entry_count);
  if (level == 0 || entry_count == 0 || entry_count > kNodeFanout) return;
  VARVE_CHECK(EncodeInner(level, *entries) == Bytes(node.begin(), node.end()));
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  const ByteSpan node(data, size);
  ReadLeaf(node, kLeafChunks);
  ReadInner(node, 1, kNodeFanout);
  if (size < kNodeHeaderBytes) return 0;
  const auto entry_count = LoadLe<uint16_t>(data + 2);
  ReadLeaf(node, entry_count);
  ReadInner(node, data[0], entry_count);
  return 0;
}
