// The golden files stay what they are: writers still write them, readers still read the good ones
// and refuse the bad ones for the stated reason.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "golden/golden_files.h"

namespace varve {
namespace {

Bytes ReadGoldenBytes(const std::string& path) {
  std::ifstream file(std::string(VARVE_GOLDEN_DIRECTORY) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path << " is missing; make_golden writes it";
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::set<std::string> NamesIn(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(VARVE_GOLDEN_DIRECTORY) + "/" + folder)) {
    names.insert(entry.path().stem());
  }
  return names;
}

TEST(Golden, WritersStillWriteTheSameBytes) {
  for (const GoodFile& file : GoodFiles()) {
    EXPECT_EQ(ReadGoldenBytes("good/" + file.name + ".bin"), file.bytes) << file.name;
  }
}

TEST(Golden, ReadersAcceptEveryGoodFile) {
  for (const std::string& name : NamesIn("good")) {
    const Status status = ReadGoldenFile(name, ReadGoldenBytes("good/" + name + ".bin"));
    EXPECT_TRUE(status.ok()) << name << ": " << status.message();
  }
}

TEST(Golden, ReadersRefuseEveryBadFileForItsReason) {
  std::set<std::string> names;
  for (const BadFile& file : BadFiles()) {
    names.insert(file.name);
    const Bytes bytes = ReadGoldenBytes("bad/" + file.name + ".bin");
    EXPECT_EQ(bytes, file.bytes) << file.name;
    const Status status = ReadGoldenFile(file.name, bytes);
    EXPECT_EQ(status.code(), file.code) << file.name << ": " << status.message();
    EXPECT_NE(status.message().find(file.message), std::string::npos)
        << file.name << ": \"" << status.message() << "\" does not say \"" << file.message << '"';
    EXPECT_EQ(status.message().find(file.name), 0U) << "the message names the object";
  }
  EXPECT_EQ(names, NamesIn("bad"));
}

TEST(Golden, FilesStaySmall) {
  for (const GoodFile& file : GoodFiles())
    EXPECT_LT(file.bytes.size(), 8192U) << file.name;
  for (const BadFile& file : BadFiles())
    EXPECT_LT(file.bytes.size(), 8192U) << file.name;
}

}  // namespace
}  // namespace varve
