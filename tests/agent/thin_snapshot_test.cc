// What is said to LVM and what is made of its answers, with stand-ins for its commands.
#include "agent/capture/thin_snapshot.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {
namespace {

class ThinSnapshot : public testing::Test {
 protected:
  void SetUp() override {
    old_path_ = std::getenv("PATH");
    setenv("PATH", (directory_.path() + ":/usr/bin:/bin").c_str(), 1);
  }
  void TearDown() override { setenv("PATH", old_path_.c_str(), 1); }

  // The command says `output`, ends with `code` and notes its words.
  void Command(const std::string& name, const std::string& output, int code) {
    std::ofstream(directory_.File(name))
        << "#!/usr/bin/python3\nimport sys\nopen('" << directory_.File("words")
        << "', 'a').write(' '.join(['" << name << "'] + sys.argv[1:]) + '\\n')\nsys.stdout.write('"
        << output << "')\nsys.exit(" << code << ")\n";
    chmod(directory_.File(name).c_str(), 0755);
  }
  std::string Words() {
    std::ifstream file(directory_.File("words"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  std::string old_path_;
};

TEST_F(ThinSnapshot, IsMadeReadOnlyAndActive) {
  Command("lvs", "  vg0,orders,pool0\\n", 0);
  Command("lvcreate", "  Logical volume created.\\n", 0);
  const auto volume = FindThinVolume("/dev/vg0/orders");
  ASSERT_TRUE(IsOk(volume));
  EXPECT_EQ(volume->group, "vg0");
  EXPECT_EQ(volume->name, "orders");
  const auto device = CreateThinSnapshot(*volume, "varve-abc");
  ASSERT_TRUE(IsOk(device));
  EXPECT_EQ(*device, "/dev/vg0/varve-abc");
  EXPECT_EQ(Words(),
            "lvs --noheadings --separator , --options vg_name,lv_name,pool_lv -- /dev/vg0/orders\n"
            "lvcreate --snapshot --setactivationskip n --permission r --addtag varve --name "
            "varve-abc -- vg0/orders\n");
}

TEST_F(ThinSnapshot, OnlyThinVolumesHaveThem) {
  Command("lvs", "  vg0,orders,\\n", 0);
  EXPECT_TRUE(Mentions(FindThinVolume("/dev/vg0/orders"), "not a thin one"));
  Command("lvs", "  Failed to find device\\n", 5);
  EXPECT_TRUE(HasCode(FindThinVolume("/dev/sda1"), Code::kUnsupported));
  Command("lvs", "something else\\n", 0);
  EXPECT_TRUE(HasCode(FindThinVolume("/dev/sda1"), Code::kIo));
}

TEST_F(ThinSnapshot, AFailedCreateSaysWhatLvmSaid) {
  Command("lvcreate", "  Insufficient free space\\n", 5);
  const auto device = CreateThinSnapshot({"vg0", "orders"}, "varve-abc");
  EXPECT_TRUE(HasCode(device, Code::kIo));
  EXPECT_TRUE(Mentions(device, "exit code 5: Insufficient free space"));
}

TEST_F(ThinSnapshot, RemovingOneThatIsGoneIsDone) {
  Command("lvremove", "", 0);
  EXPECT_TRUE(IsOk(RemoveThinSnapshot({"vg0", "varve-abc"})));
  EXPECT_EQ(Words(), "lvremove --yes -- vg0/varve-abc\n");
  Command("lvremove", "  Failed to find logical volume \"vg0/varve-abc\"\\n", 5);
  EXPECT_TRUE(IsOk(RemoveThinSnapshot({"vg0", "varve-abc"})));
  Command("lvremove", "  Logical volume is in use.\\n", 5);
  EXPECT_TRUE(HasCode(RemoveThinSnapshot({"vg0", "varve-abc"}), Code::kIo));
}

}  // namespace
}  // namespace varve::agent
