// Trees against a model that is a plain list of chunks: built, read back, walked and compared, of
// volumes of every awkward size, alone and on top of the tree before.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "sim/expect_status.h"
#include "sim/simulated_disk.h"
#include "store/memory_index.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"
#include "tree/tree_builder.h"
#include "tree/tree_diff.h"
#include "tree/tree_walk.h"

namespace varve {
namespace {

constexpr uint32_t kChunk = kChunkSizeMin;
using Chunks = std::vector<ChunkRef>;

ChunkRef NewChunk(std::mt19937_64& random) {
  ChunkRef chunk;
  for (uint8_t& byte : chunk.id.bytes)
    byte = static_cast<uint8_t>(random() | 1);
  for (uint8_t& byte : chunk.fingerprint.bytes)
    byte = static_cast<uint8_t>(random() | 1);
  return chunk;
}

// Chunk counts around every edge of leaves and of nodes of two levels.
const uint64_t kCounts[] = {0,    1, 63, 64, 65, 128, 200, 64 * 128 - 1, 64 * 128, 64 * 128 + 1,
                            20000};

class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    repository_.bytes.fill(9);
    key_.fill(3);
    EXPECT_TRUE(IsOk(storage_.CreateDirectory("packs")));
  }

  static TreeGeometry GeometryOf(const Chunks& chunks) {
    // The last chunk is short.
    return TreeGeometry(chunks.empty() ? 0 : chunks.size() * kChunk - 17, kChunk);
  }

  // Builds the tree as the write path does, and stores what is new in one pack of raw frames.
  ContentId Build(const Chunks& chunks, OlderTree* parent) {
    const TreeGeometry geometry = GeometryOf(chunks);
    std::set<ContentId> seen;
    std::vector<std::pair<FrameInfo, Bytes>> frames;
    const auto store = [&](ContentKind kind, const ContentId& id, ByteSpan bytes) {
      if (!seen.insert(id).second) return;
      const auto known = index_.Find(id);
      if (known.ok() && *known) return;
      FrameInfo info;
      info.kind = kind;
      info.id = id;
      info.raw_length = info.stored_length = static_cast<uint32_t>(bytes.size());
      frames.emplace_back(info, Bytes(bytes.begin(), bytes.end()));
    };
    TreeBuilder builder(geometry, key_, parent, [&](const NewNode& node) {
      store(ContentKind::kInner, node.id, node.bytes);
      return Status();
    });
    ContentHasher hasher(key_);
    for (uint64_t leaf = 0; leaf < geometry.NodeCount(0); ++leaf) {
      const auto begin = chunks.begin() + static_cast<ptrdiff_t>(leaf * kLeafChunks);
      const Chunks entries(begin, begin + geometry.EntryCount(0, leaf));
      NodeRef reference;
      for (const ChunkRef& chunk : entries)
        reference.chunk_count += chunk.IsZero() ? 0 : 1;
      if (reference.chunk_count == 0) {
        EXPECT_TRUE(IsOk(builder.AppendZeroLeaves(1)));
        continue;
      }
      const Bytes bytes = EncodeLeaf(entries);
      reference.id = hasher.Compute(ContentKind::kLeaf, bytes);
      store(ContentKind::kLeaf, reference.id, bytes);
      EXPECT_TRUE(IsOk(builder.AppendLeaf(reference)));
    }
    const auto root = builder.Finish();
    EXPECT_TRUE(IsOk(root));
    published_ = frames.size();
    if (!frames.empty()) Publish(frames);
    return root.ok() ? root->id : ContentId{};
  }

  void Publish(const std::vector<std::pair<FrameInfo, Bytes>>& frames) {
    PackId id;
    id.bytes.fill(++packs_);
    EXPECT_TRUE(IsOk(storage_.CreateDirectory(PackPath(id).substr(0, 8))));
    PackWriter pack(PackContent::kNodes, repository_, 64 << 20);
    pack.Begin(id);
    for (const auto& [info, bytes] : frames) {
      Bytes frame(info.FrameBytes());
      EncodeFrameHeader(info, ComputeChecksum(bytes), frame.data());
      std::copy(bytes.begin(), bytes.end(), frame.begin() + kFrameHeaderBytes);
      pack.Append(frame, {&info, 1});
    }
    const auto placed = PlaceFrames(pack.frames());
    const auto bytes = pack.Finish();
    ASSERT_TRUE(IsOk(bytes));
    ASSERT_TRUE(IsOk(storage_.Publish(PackPath(id), *bytes)));
    ASSERT_TRUE(IsOk(index_.Add(id, placed)));
  }

  std::unique_ptr<TreeReader> Open(const ContentId& root, const Chunks& chunks,
                                   uint32_t batch = 8) {
    return std::make_unique<TreeReader>(storage_, index_, key_, TreeRoot{root, GeometryOf(chunks)},
                                        "tree", batch);
  }

  void ExpectReads(const ContentId& root, const Chunks& chunks) {
    const auto reader = Open(root, chunks);
    uint64_t next = 0;  // first leaf not seen
    while (next < reader->geometry().NodeCount(0)) {
      const auto found = NextNonZeroLeaf(*reader, next);
      ASSERT_TRUE(IsOk(found));
      const uint64_t leaf = *found ? **found : reader->geometry().NodeCount(0);
      for (uint64_t i = next * kLeafChunks; i < std::min<uint64_t>(leaf * 64, chunks.size()); ++i) {
        ASSERT_TRUE(chunks[i].IsZero()) << "skipped chunk " << i;
      }
      if (!*found) break;
      const auto node = reader->Leaf(leaf);
      ASSERT_TRUE(IsOk(node));
      for (size_t i = 0; i < (*node)->chunks.size(); ++i) {
        ASSERT_TRUE((*node)->chunks[i] == chunks[leaf * kLeafChunks + i]);
      }
      next = leaf + 1;
    }
    if (chunks.empty()) return;
    const auto reference = reader->Reference(reader->geometry().root_level(), 0);
    ASSERT_TRUE(IsOk(reference));
    EXPECT_EQ(reference->chunk_count, static_cast<uint64_t>(std::count_if(
                                          chunks.begin(), chunks.end(),
                                          [](const ChunkRef& chunk) { return !chunk.IsZero(); })));
  }

  void ExpectDiff(const ContentId& root_a, const Chunks& a, const ContentId& root_b,
                  const Chunks& b) {
    std::vector<uint64_t> expected;
    for (uint64_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      const ChunkRef in_a = i < a.size() ? a[i] : ChunkRef{};
      const ChunkRef in_b = i < b.size() ? b[i] : ChunkRef{};
      if (in_a.id != in_b.id) expected.push_back(i);
    }
    std::vector<uint64_t> found;
    const auto reader_a = Open(root_a, a);
    const auto reader_b = Open(root_b, b);
    ASSERT_TRUE(IsOk(DiffTrees(*reader_a, *reader_b, [&](uint64_t chunk) {
      found.push_back(chunk);
      return Status();
    })));
    EXPECT_EQ(found, expected);
  }

  SimulatedDisk disk_;
  Storage storage_{disk_};
  MemoryIndex index_;
  RepositoryId repository_;
  IdKey key_{};
  size_t published_ = 0;  // nodes, by the last Build
  uint8_t packs_ = 0;
};

TEST_F(TreeTest, EverySizeReadsBackAndDiffersAsTheModelSays) {
  std::mt19937_64 random(1);
  Chunks before;
  ContentId root_before;
  for (const uint64_t count : kCounts) {
    SCOPED_TRACE(std::to_string(count) + " chunks");
    Chunks chunks = before;
    chunks.resize(count);
    for (uint64_t i = before.size(); i < count; ++i) {
      // Long stretches of zeros, and single ones.
      if (i / 640 % 3 != 1 && random() % 4 != 0) chunks[i] = NewChunk(random);
    }
    for (int i = 0; i < 3 && count > 0; ++i)
      chunks[random() % count] = NewChunk(random);
    const ContentId root = Build(chunks, nullptr);
    ExpectReads(root, chunks);
    ExpectDiff(root_before, before, root, chunks);
    ExpectDiff(root, chunks, root_before, before);
    ExpectDiff(root, chunks, root, chunks);
    before = chunks;
    root_before = root;
    if (HasFailure()) return;
  }
}

TEST_F(TreeTest, TreeOnTopOfAnotherIsTheSameTreeAndStoresOnlyWhatChanged) {
  std::mt19937_64 random(2);
  Chunks chunks(20000);
  for (ChunkRef& chunk : chunks)
    chunk = NewChunk(random);
  const ContentId first = Build(chunks, nullptr);
  for (const uint64_t position : {0, 9000, 19999}) {
    const auto parent = Open(first, chunks);
    OlderTree older(*parent);
    Chunks changed = chunks;
    changed[position] = NewChunk(random);
    changed[position / 64 * 64] = ChunkRef{};
    const ContentId root = Build(changed, &older);
    EXPECT_EQ(published_, 3U) << "the leaf and what is above it";
    EXPECT_TRUE(IsOk(older.damage()));
    ExpectReads(root, changed);
    ExpectDiff(first, chunks, root, changed);
    EXPECT_EQ(Build(changed, nullptr), root);
    EXPECT_EQ(Build(chunks, &older), first);
  }
}

TEST_F(TreeTest, ZerosAreNothing) {
  const Chunks zeros(20000);
  EXPECT_TRUE(Build(zeros, nullptr).IsZero());
  EXPECT_EQ(published_, 0U);
  ExpectReads(ContentId{}, zeros);
  Chunks one = zeros;
  std::mt19937_64 random(3);
  one[12345] = NewChunk(random);
  const ContentId root = Build(one, nullptr);
  EXPECT_EQ(published_, 3U) << "a leaf and a node on each of two levels";
  ExpectReads(root, one);
  ExpectDiff(ContentId{}, zeros, root, one);
}

TEST_F(TreeTest, EqualVolumesHaveEqualRootsWhateverTheyWereBuiltOn) {
  std::mt19937_64 random(4);
  Chunks chunks(5000);
  for (ChunkRef& chunk : chunks) {
    if (random() % 3 != 0) chunk = NewChunk(random);
  }
  Chunks other(700);
  for (ChunkRef& chunk : other)
    chunk = NewChunk(random);
  const ContentId root = Build(chunks, nullptr);
  const ContentId other_root = Build(other, nullptr);
  const auto parent = Open(other_root, other);
  OlderTree older(*parent);
  EXPECT_EQ(Build(chunks, &older), root);
}

TEST_F(TreeTest, DamagedNodesFailTheReaderAndAreAbsentFromAnOlderTree) {
  std::mt19937_64 random(5);
  Chunks chunks(64 * 130);
  for (ChunkRef& chunk : chunks)
    chunk = NewChunk(random);
  const ContentId root = Build(chunks, nullptr);
  const auto reader = Open(root, chunks, 1);
  const auto lost = reader->Reference(0, 5);
  ASSERT_TRUE(IsOk(lost));
  const auto place = index_.Find(lost->id);
  ASSERT_TRUE(place.ok() && *place);
  disk_.FlipBit(PackPath((*place)->pack), ((*place)->offset + 100) * 8);
  EXPECT_TRUE(HasCode(reader->Leaf(5), Code::kCorruption));
  EXPECT_TRUE(Mentions(reader->Leaf(5), "leaf 5"));
  EXPECT_TRUE(IsOk(reader->Leaf(4)));
  EXPECT_TRUE(IsOk(reader->Leaf(6)));
  OlderTree older(*reader);
  EXPECT_NE(older.Node(0, 4), nullptr);
  EXPECT_TRUE(IsOk(older.damage()));
  EXPECT_EQ(older.Node(0, 5), nullptr);
  EXPECT_TRUE(HasCode(older.damage(), Code::kCorruption));
  EXPECT_EQ(older.Node(0, 5000), nullptr);
  EXPECT_EQ(older.Node(7, 0), nullptr);
}

TEST_F(TreeTest, DiffOfDifferentChunkSizesIsRefused) {
  const auto a = Open(ContentId{}, Chunks(3));
  TreeReader b(storage_, index_, key_, {ContentId{}, TreeGeometry(100000, 2 * kChunk)}, "b", 1);
  EXPECT_TRUE(HasCode(DiffTrees(*a, b, [](uint64_t) { return Status(); }), Code::kInvalidArgument));
}

}  // namespace
}  // namespace varve
