#include "volume/change_map_file.h"

#include <gtest/gtest.h>

#include "sim/expect_status.h"

namespace varve {
namespace {

constexpr char kParent[] = "00112233445566778899aabbccddeeff";

std::string Map(const std::string& extents, const std::string& size = "1000000") {
  return std::string("varve-changed-extents 1\nparent ") + kParent + "\nvolume or ders.img\nsize " +
         size + "\n" + extents;
}

TEST(ChangeMapFileTest, ReadsAWholeMap) {
  const auto claim =
      ParseChangeMap("m", Map("extent 4096 8192\nextent 0 10\nextent 5 20\nextent 7 0\nend 4\n"));
  ASSERT_TRUE(IsOk(claim));
  EXPECT_EQ(claim->parent.Hex(), kParent);
  EXPECT_EQ(claim->volume_name, "or ders.img");
  EXPECT_EQ(claim->size_bytes, 1'000'000u);
  EXPECT_EQ(claim->source, "map file");
  EXPECT_FALSE(claim->own);
  EXPECT_EQ(claim->may_have_changed.ranges(),
            (std::vector<ExtentSet::Range>{{0, 25}, {4096, 12288}}));
  const auto nothing = ParseChangeMap("m", Map("end 0\n"));
  ASSERT_TRUE(IsOk(nothing));
  EXPECT_TRUE(nothing->may_have_changed.empty());
}

// R8: a map that lost its end would say that less has changed.
TEST(ChangeMapFileTest, EveryPrefixIsRefused) {
  const std::string whole = Map("extent 4096 8192\nextent 0 10\nend 2\n");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseChangeMap("m", whole.substr(0, length)).ok()) << whole.substr(0, length);
  }
}

TEST(ChangeMapFileTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* extents :
       {"extent 1000001 0\nend 1\n", "extent 999999 2\nend 1\n", "extent 1 2\nend 2\n",
        "extent 18446744073709551615 2\nend 1\n", "extent 99999999999999999999 2\nend 1\n",
        "extent -1 2\nend 1\n", "extent 1\nend 1\n", "extent 1 2 3\nend 1\n",
        "extent  1 2\nend 1\n", "extent 1 2 \nend 1\n", "extents 1 2\nend 1\n", "\nend 0\n",
        "end 0\nextent 1 2\n", "end 0\n\n", "end 0\nx", "end\n", "extent 1 0x10\nend 1\n"}) {
    EXPECT_TRUE(HasCode(ParseChangeMap("m", Map(extents)), Code::kCorruption)) << extents;
  }
  std::string newer = Map("end 0\n");
  newer.replace(newer.find(" 1"), 2, " 2");
  EXPECT_TRUE(HasCode(ParseChangeMap("m", newer), Code::kUnsupported));
  EXPECT_TRUE(HasCode(ParseChangeMap("m", Map("end 0\n", "72057594037927937")), Code::kCorruption));
  std::string long_name = Map("end 0\n");
  long_name.insert(long_name.find("or ders"), std::string(300, 'x'));
  EXPECT_TRUE(HasCode(ParseChangeMap("m", long_name), Code::kCorruption));
}

TEST(ChangeMapFileTest, SaysWhichLine) {
  const auto claim = ParseChangeMap("map file x", Map("extent 1 2\nextent 1\nend 2\n"));
  EXPECT_TRUE(Mentions(claim, "map file x: line 6"));
}

TEST(ChangeMapFileTest, OnlyRegularFiles) {
  EXPECT_TRUE(HasCode(ReadChangeMap("/nowhere/map"), Code::kNotFound));
  EXPECT_TRUE(HasCode(ReadChangeMap("/dev/null"), Code::kInvalidArgument));
}

}  // namespace
}  // namespace varve
