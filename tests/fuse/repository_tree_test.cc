#include "fuse/repository_tree.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sim/expect_status.h"
#include "sim/sample_repository.h"

namespace varve {
namespace {

class SetClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return now; }
  int64_t NowMonotonicNs() const override { return now; }
  int64_t now = 0;
};

class RepositoryTreeTest : public testing::Test {
 protected:
  std::unique_ptr<RepositoryTree> OpenTree() {
    auto tree = RepositoryTree::Create(source_, clock_);
    VARVE_CHECK(tree.ok());
    return *std::move(tree);
  }
  // The file of a path like "volume/latest.raw".
  static Result<ServedNode> Find(ServedTree& tree, const std::string& volume,
                                 const std::string& name) {
    VARVE_ASSIGN_OR_RETURN(const ServedNode directory, tree.Lookup(kRootInode, volume));
    VARVE_ASSIGN_OR_RETURN(const ServedNode node, tree.Lookup(directory.inode, name));
    if (node.kind != ServedKind::kLink) return node;
    return tree.Lookup(directory.inode, node.target);
  }
  static void ExpectContent(ServedTree& tree, const ServedNode& file, const Bytes& content) {
    ASSERT_EQ(file.size_bytes, content.size());
    const auto view = tree.Open(file.inode);
    ASSERT_TRUE(IsOk(view));
    Bytes read(content.size());
    ASSERT_TRUE(IsOk((*view)->ReadAt(0, read)));
    EXPECT_EQ(read, content);
  }

  SampleRepository sample_;
  SetClock clock_;
  SnapshotSource source_{[this] {
                           return Engine::Open(sample_.path(), OpenMode::kRead, "test",
                                               [](const std::string&) {});
                         },
                         4 * kMiB};
};

TEST_F(RepositoryTreeTest, ShowsEverySnapshotAsItWasAndNewOnesAsTheyCome) {
  const Bytes first = SampleRepository::SampleVolume(1, 3 * kMiB);
  const Bytes second = SampleRepository::SampleVolume(2, 2 * kMiB + 5);
  sample_.Snapshot(first, "a");
  const auto tree = OpenTree();
  const auto old = Find(*tree, "a", "latest.raw");
  ASSERT_TRUE(IsOk(old));
  ExpectContent(*tree, *old, first);
  EXPECT_EQ(old->data_bytes, 3 * kMiB - old->size_bytes / 6 / kChunkSizeDefault * kChunkSizeDefault)
      << "the hole of a sixth is no data";

  sample_.Snapshot(second, "a");
  sample_.Snapshot(second, "b");
  clock_.now += 2'000'000'000;
  const auto fresh = Find(*tree, "a", "latest.raw");
  ASSERT_TRUE(IsOk(fresh));
  EXPECT_NE(fresh->inode, old->inode);
  ExpectContent(*tree, *fresh, second);
  ExpectContent(*tree, *old, first);
  const auto other = Find(*tree, "b", "latest.raw");
  ASSERT_TRUE(IsOk(other));
  ExpectContent(*tree, *other, second);
  EXPECT_EQ(tree->List(kRootInode)->size(), 2u);
  EXPECT_TRUE(HasCode(Find(*tree, "c", "latest.raw"), Code::kNotFound));
  EXPECT_TRUE(HasCode(tree->Get(999), Code::kNotFound));
  EXPECT_TRUE(HasCode(tree->Open(999), Code::kNotFound));
}

TEST_F(RepositoryTreeTest, AnOpenFileOutlivesTheRepositoryGoingAwayAndSaysSo) {
  sample_.Snapshot(SampleRepository::SampleVolume(1, 3 * kMiB), "a");
  const auto tree = OpenTree();
  const auto file = Find(*tree, "a", "latest.raw");
  ASSERT_TRUE(IsOk(file));
  const auto view = *tree->Open(file->inode);
  std::filesystem::rename(sample_.path(), sample_.path() + ".gone");
  std::filesystem::rename(sample_.path() + ".gone/packs", sample_.path() + ".gone/packs.gone");
  Bytes into(kMiB);
  EXPECT_FALSE(view->ReadAt(0, into).ok());
  std::filesystem::rename(sample_.path() + ".gone/packs.gone", sample_.path() + ".gone/packs");
  std::filesystem::rename(sample_.path() + ".gone", sample_.path());
  EXPECT_TRUE(IsOk(view->ReadAt(0, into)));
}

TEST_F(RepositoryTreeTest, AnEmptyRepositoryIsAnEmptyDirectory) {
  const auto tree = OpenTree();
  EXPECT_TRUE(tree->List(kRootInode)->empty());
  EXPECT_EQ(tree->TotalBytes(), 0u);
}

}  // namespace
}  // namespace varve
