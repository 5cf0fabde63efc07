#include "format/node_format.h"

namespace varve {
namespace {

constexpr uint8_t kNodeVersion = 1;

Bytes EncodeHeader(uint32_t level, size_t entry_count, size_t entry_bytes) {
  Bytes node;
  node.reserve(kNodeHeaderBytes + entry_count * entry_bytes);
  node.push_back(static_cast<uint8_t>(level));
  node.push_back(kNodeVersion);
  AppendLe<uint16_t>(node, static_cast<uint16_t>(entry_count));
  AppendLe<uint32_t>(node, 0);
  return node;
}

Status CheckHeader(const std::string& name, ByteSpan bytes, uint32_t level, uint32_t entry_count,
                   size_t entry_bytes) {
  if (bytes.size() < kNodeHeaderBytes) return Corruption(name + ": shorter than a node header");
  if (bytes[1] > kNodeVersion) {
    return Unsupported(name + ": node version " + std::to_string(bytes[1]));
  }
  const auto entries = LoadLe<uint16_t>(bytes.data() + 2);
  if (bytes[1] == 0 || bytes[0] != level || entries != entry_count ||
      LoadLe<uint32_t>(bytes.data() + 4) != 0) {
    return Corruption(name + ": level " + std::to_string(bytes[0]) + " with " +
                      std::to_string(entries) + " entries, expected level " +
                      std::to_string(level) + " with " + std::to_string(entry_count));
  }
  if (bytes.size() != kNodeHeaderBytes + entry_count * entry_bytes) {
    return Corruption(name + ": is " + std::to_string(bytes.size()) + " bytes");
  }
  return {};
}

}  // namespace

Bytes EncodeLeaf(const std::vector<ChunkRef>& entries) {
  VARVE_CHECK(!entries.empty() && entries.size() <= kLeafChunks);
  Bytes node = EncodeHeader(0, entries.size(), kLeafEntryBytes);
  for (const ChunkRef& entry : entries) {
    AppendBytes(node, entry.id.span());
    AppendBytes(node, entry.fingerprint.span());
  }
  return node;
}

Bytes EncodeInner(uint32_t level, const std::vector<NodeRef>& entries) {
  VARVE_CHECK(level > 0 && !entries.empty() && entries.size() <= kNodeFanout);
  Bytes node = EncodeHeader(level, entries.size(), kInnerEntryBytes);
  for (const NodeRef& entry : entries) {
    AppendBytes(node, entry.id.span());
    AppendLe<uint64_t>(node, entry.chunk_count);
  }
  return node;
}

Result<std::vector<ChunkRef>> DecodeLeaf(const std::string& name, ByteSpan bytes,
                                         uint32_t entry_count) {
  VARVE_RETURN_IF_ERROR(CheckHeader(name, bytes, 0, entry_count, kLeafEntryBytes));
  std::vector<ChunkRef> entries(entry_count);
  const uint8_t* from = bytes.data() + kNodeHeaderBytes;
  for (ChunkRef& entry : entries) {
    entry.id = ContentId::FromBytes(from);
    entry.fingerprint = Fingerprint::FromBytes(from + 32);
    from += kLeafEntryBytes;
    if (entry.id.IsZero() != entry.fingerprint.IsZero()) {
      return Corruption(name + ": an entry with only one of id and fingerprint");
    }
  }
  return entries;
}

Result<std::vector<NodeRef>> DecodeInner(const std::string& name, ByteSpan bytes, uint32_t level,
                                         uint32_t entry_count) {
  VARVE_RETURN_IF_ERROR(CheckHeader(name, bytes, level, entry_count, kInnerEntryBytes));
  std::vector<NodeRef> entries(entry_count);
  const uint8_t* from = bytes.data() + kNodeHeaderBytes;
  for (NodeRef& entry : entries) {
    entry.id = ContentId::FromBytes(from);
    entry.chunk_count = LoadLe<uint64_t>(from + 32);
    from += kInnerEntryBytes;
    if (entry.id.IsZero() != (entry.chunk_count == 0)) {
      return Corruption(name + ": an entry with only one of id and count");
    }
  }
  return entries;
}

}  // namespace varve
