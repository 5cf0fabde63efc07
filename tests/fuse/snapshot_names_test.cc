#include "fuse/snapshot_names.h"

#include <gtest/gtest.h>

#include <set>

namespace varve {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

SnapshotRecord RecordOf(uint8_t id, const std::string& volume, int64_t seconds) {
  SnapshotRecord record;
  record.id.bytes.fill(id);
  record.volume_name = volume;
  record.size_bytes = 1000 + id;
  record.start_unix_ns = seconds * kSecond;
  record.sequence = id;
  return record;
}

std::vector<std::string> NamesIn(const SnapshotNames& names, InodeNumber directory) {
  std::vector<std::string> result;
  for (const ServedNode& node : names.List(directory))
    result.push_back(node.name);
  return result;
}

TEST(SnapshotNames, ArrangesSnapshotsByVolumeWithALinkToTheNewest) {
  SnapshotNames names;
  names.Update({RecordOf(1, "a", 0), RecordOf(2, "b", 60), RecordOf(3, "a", 3600)});
  EXPECT_EQ(NamesIn(names, kRootInode), (std::vector<std::string>{"a", "b"}));
  const ServedNode* const a = names.Lookup(kRootInode, "a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(NamesIn(names, a->inode),
            (std::vector<std::string>{"19700101T000000Z-01010101.raw",
                                      "19700101T010000Z-03030303.raw", "latest.raw"}));
  const ServedNode* const latest = names.Lookup(a->inode, "latest.raw");
  ASSERT_NE(latest, nullptr);
  EXPECT_EQ(latest->kind, ServedKind::kLink);
  EXPECT_EQ(latest->target, "19700101T010000Z-03030303.raw");
  const ServedNode* const file = names.Lookup(a->inode, "19700101T000000Z-01010101.raw");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size_bytes, 1001u);
  EXPECT_EQ(names.RecordOf(file->inode)->volume_name, "a");
  EXPECT_EQ(names.total_bytes(), 3006u);
}

TEST(SnapshotNames, NumbersStayAndAreNeverUsedTwice) {
  SnapshotNames names;
  names.Update({RecordOf(1, "a", 0), RecordOf(2, "a", 60)});
  const InodeNumber a = names.Lookup(kRootInode, "a")->inode;
  const InodeNumber first = names.Lookup(a, "19700101T000000Z-01010101.raw")->inode;
  const InodeNumber second = names.Lookup(a, "19700101T000100Z-02020202.raw")->inode;
  names.Update({RecordOf(2, "a", 60), RecordOf(3, "a", 120)});
  EXPECT_EQ(names.Lookup(kRootInode, "a")->inode, a);
  EXPECT_EQ(names.Lookup(a, "19700101T000100Z-02020202.raw")->inode, second);
  EXPECT_EQ(names.Lookup(a, "19700101T000000Z-01010101.raw"), nullptr);
  ASSERT_NE(names.Find(first), nullptr);  // who has it open can still ask
  EXPECT_EQ(names.RecordOf(first)->size_bytes, 1001u);
  std::set<InodeNumber> numbers = {kRootInode, a, first, second};
  EXPECT_TRUE(numbers.insert(names.Lookup(a, "latest.raw")->inode).second);
  EXPECT_TRUE(numbers.insert(names.Lookup(a, "19700101T000200Z-03030303.raw")->inode).second);
  names.Update({});
  EXPECT_TRUE(names.List(kRootInode).empty());
  names.Update({RecordOf(1, "a", 0)});
  EXPECT_EQ(names.Lookup(a, "19700101T000000Z-01010101.raw")->inode, first);
}

TEST(SnapshotNames, TwoSnapshotsThatWouldShareANameDoNot) {
  SnapshotRecord one = RecordOf(1, "a", 5);
  SnapshotRecord two = RecordOf(1, "a", 5);
  two.id.bytes[15] = 9;
  SnapshotNames names;
  names.Update({one, two});
  const InodeNumber a = names.Lookup(kRootInode, "a")->inode;
  EXPECT_EQ(names.List(a).size(), 3u);
  EXPECT_EQ(names.Lookup(a, "latest.raw")->target, "19700101T000005Z-" + two.id.Hex() + ".raw");
}

TEST(SnapshotNames, NoVolumeNameLeadsOutOfItsDirectory) {
  EXPECT_EQ(DirectoryName("orders.img"), "orders.img");
  EXPECT_EQ(DirectoryName("."), "%2E");
  EXPECT_EQ(DirectoryName(".."), "%2E%2E");
  EXPECT_EQ(DirectoryName("a/b%"), "a%2Fb%25");
  EXPECT_LE(DirectoryName(std::string(255, '%')).size(), 255u);
}

}  // namespace
}  // namespace varve
