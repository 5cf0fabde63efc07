#include "format/node_format.h"

#include <gtest/gtest.h>

#include "format/mutations.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

std::vector<ChunkRef> Chunks(size_t count) {
  std::vector<ChunkRef> chunks(count);
  for (size_t i = 0; i < count; ++i) {
    if (i % 3 == 1) continue;  // a zero chunk
    chunks[i].id = CountingId<ContentId>(static_cast<uint8_t>(i + 1));
    chunks[i].fingerprint = CountingId<Fingerprint>(static_cast<uint8_t>(i + 100));
  }
  return chunks;
}

std::vector<NodeRef> Nodes(size_t count) {
  std::vector<NodeRef> nodes(count);
  for (size_t i = 0; i < count; ++i) {
    if (i % 3 == 1) continue;  // a subtree of zeros
    nodes[i] = {CountingId<ContentId>(static_cast<uint8_t>(i + 1)), i + 1};
  }
  return nodes;
}

TEST(NodeFormat, LeavesComeBackAsWritten) {
  for (const uint32_t count : {1U, 2U, 63U, 64U}) {
    const Bytes node = EncodeLeaf(Chunks(count));
    EXPECT_EQ(node.size(), kNodeHeaderBytes + count * kLeafEntryBytes);
    const Result<std::vector<ChunkRef>> decoded = DecodeLeaf("leaf", node, count);
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(*decoded, Chunks(count));
  }
}

TEST(NodeFormat, InnerNodesComeBackAsWritten) {
  for (const uint32_t level : {1U, 2U, 6U}) {
    for (const uint32_t count : {1U, 2U, 127U, 128U}) {
      const Bytes node = EncodeInner(level, Nodes(count));
      EXPECT_LE(node.size(), kNodeBytesMax);
      const Result<std::vector<NodeRef>> decoded = DecodeInner("node", node, level, count);
      ASSERT_TRUE(decoded.ok()) << decoded.status().message();
      EXPECT_EQ(*decoded, Nodes(count));
    }
  }
}

TEST(NodeFormat, OtherLevelsAndOtherCountsAreRefused) {
  const Bytes leaf = EncodeLeaf(Chunks(5));
  EXPECT_EQ(DecodeLeaf("leaf", leaf, 4).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeLeaf("leaf", leaf, 6).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeLeaf("leaf", leaf, 0).status().code(), Code::kCorruption);
  const Bytes inner = EncodeInner(2, Nodes(5));
  EXPECT_EQ(DecodeInner("node", inner, 1, 5).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeInner("node", inner, 3, 5).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeInner("node", leaf, 1, 5).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeLeaf("leaf", inner, 5).status().code(), Code::kCorruption);
}

TEST(NodeFormat, NewerNodesAreUnsupportedAndVersionZeroIsDamage) {
  Bytes leaf = EncodeLeaf(Chunks(5));
  leaf[1] = 2;
  EXPECT_EQ(DecodeLeaf("leaf", leaf, 5).status().code(), Code::kUnsupported);
  leaf[1] = 0;
  EXPECT_EQ(DecodeLeaf("leaf", leaf, 5).status().code(), Code::kCorruption);
}

TEST(NodeFormat, HalfZeroEntriesAreRefused) {
  std::vector<ChunkRef> chunks = Chunks(3);
  chunks[1].fingerprint = CountingId<Fingerprint>(1);
  EXPECT_EQ(DecodeLeaf("leaf", EncodeLeaf(chunks), 3).status().code(), Code::kCorruption);
  chunks = Chunks(3);
  chunks[0].fingerprint = {};
  EXPECT_EQ(DecodeLeaf("leaf", EncodeLeaf(chunks), 3).status().code(), Code::kCorruption);
  std::vector<NodeRef> nodes = Nodes(3);
  nodes[1].chunk_count = 1;
  EXPECT_EQ(DecodeInner("node", EncodeInner(1, nodes), 1, 3).status().code(), Code::kCorruption);
  nodes = Nodes(3);
  nodes[0].chunk_count = 0;
  EXPECT_EQ(DecodeInner("node", EncodeInner(1, nodes), 1, 3).status().code(), Code::kCorruption);
}

// Nodes carry no checksum: their id is one. Without it, a flipped bit in an entry must at least
// not go unseen, and one in the header must be refused.
TEST(NodeFormat, FlippedBitsAreRefusedOrChangeTheEntries) {
  const std::vector<ChunkRef> chunks = Chunks(4);
  EXPECT_EQ(FindAcceptedMutation(EncodeLeaf(chunks),
                                 [&](ByteSpan bytes) {
                                   const Result<std::vector<ChunkRef>> decoded =
                                       DecodeLeaf("leaf", bytes, 4);
                                   if (decoded.ok() && *decoded != chunks)
                                     return Corruption("its id is another");
                                   return decoded.status();
                                 }),
            "");
  const std::vector<NodeRef> nodes = Nodes(4);
  EXPECT_EQ(FindAcceptedMutation(EncodeInner(1, nodes),
                                 [&](ByteSpan bytes) {
                                   const Result<std::vector<NodeRef>> decoded =
                                       DecodeInner("node", bytes, 1, 4);
                                   if (decoded.ok() && *decoded != nodes)
                                     return Corruption("its id is another");
                                   return decoded.status();
                                 }),
            "");
  for (size_t bit = 0; bit < kNodeHeaderBytes * 8; ++bit) {
    Bytes leaf = EncodeLeaf(chunks);
    leaf[bit / 8] = static_cast<uint8_t>(leaf[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(DecodeLeaf("leaf", leaf, 4).ok()) << "bit " << bit;
  }
}

}  // namespace
}  // namespace varve
