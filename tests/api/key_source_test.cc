// Where keys come from: files, descriptors, commands without a shell.
#include "api/key_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve {
namespace {

class KeySourceTest : public testing::Test {
 protected:
  std::string File(const std::string& content) {
    const std::string path = directory_.File("key" + std::to_string(files_++));
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static std::string Text(const KeySource& source) {
    const Result<KeyMaterial> material = source.Read();
    EXPECT_TRUE(IsOk(material));
    return material.ok() ? std::string(AsText(material->secret.span())) : "";
  }

  const TemporaryDirectory directory_;
  int files_ = 0;
};

TEST_F(KeySourceTest, OneNewlineAtTheEndOfAPassphraseIsNotPartOfIt) {
  EXPECT_EQ(Text(KeySource::PassphraseFile(File("secret"))), "secret");
  EXPECT_EQ(Text(KeySource::PassphraseFile(File("secret\n"))), "secret");
  EXPECT_EQ(Text(KeySource::PassphraseFile(File("secret\n\n"))), "secret\n");
  EXPECT_EQ(Text(KeySource::PassphraseFile(File(" two words "))), " two words ");
}

TEST_F(KeySourceTest, EmptyAndEndlessOnesAreRefused) {
  EXPECT_TRUE(Mentions(KeySource::PassphraseFile(File("")).Read(), "holds no passphrase"));
  EXPECT_TRUE(Mentions(KeySource::PassphraseFile(File("\n")).Read(), "holds no passphrase"));
  EXPECT_TRUE(HasCode(KeySource::PassphraseFile("/dev/zero").Read(), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(KeySource::KeyFile("/dev/zero").Read(), Code::kInvalidArgument));
  EXPECT_TRUE(IsKeyFailure(KeySource::PassphraseFile(directory_.File("none")).Read().status()));
  EXPECT_TRUE(IsKeyFailure(KeySource::None().Read().status()));
}

TEST_F(KeySourceTest, KeyFilesAreTakenAsTheyAre) {
  const std::string bytes = std::string(40, 'k') + "\n";
  EXPECT_EQ(Text(KeySource::KeyFile(File(bytes))), bytes);
  EXPECT_EQ(KeySource::KeyFile(File(bytes)).Read()->method, KeyMethod::kKeyFile);
}

TEST_F(KeySourceTest, ADescriptorIsReadOnceAndRemembered) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "from a pipe\n", 12), 12);
  close(ends[1]);
  const KeySource source = KeySource::PassphraseDescriptor(ends[0]);
  const KeySource copy = source;
  EXPECT_EQ(Text(source), "from a pipe");
  EXPECT_EQ(Text(copy), "from a pipe") << "opened again, by a mount say";
  close(ends[0]);
}

TEST_F(KeySourceTest, CommandsRunWithoutAShell) {
  EXPECT_EQ(Text(KeySource::PassphraseCommand({"printf", "%s", "$HOME; *"})), "$HOME; *");
  EXPECT_TRUE(Mentions(KeySource::PassphraseCommand({"false"}).Read(), "ended with 1"));
  EXPECT_FALSE(KeySource::PassphraseCommand({"/no/such/program"}).Read().ok());
  const Status failed =
      KeySource::PassphraseCommand({"sh", "-c", "exit 3", "hush"}).Read().status();
  EXPECT_EQ(failed.message().find("hush"), std::string::npos) << "arguments stay out of messages";
}

TEST_F(KeySourceTest, TheEnvironmentNamesFiles) {
  ASSERT_EQ(unsetenv("VARVE_KEY_FILE"), 0);
  ASSERT_EQ(setenv("VARVE_PASSPHRASE_FILE", File("from the environment\n").c_str(), 1), 0);
  EXPECT_EQ(Text(KeySource::FromEnvironment()), "from the environment");
  EXPECT_FALSE(KeySource::FromEnvironment().on_purpose());
  ASSERT_EQ(unsetenv("VARVE_PASSPHRASE_FILE"), 0);
  EXPECT_FALSE(KeySource::FromEnvironment().given());
}

TEST(SplitWordsTest, BlanksSeparateAndQuotesKeepTogether) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(*SplitWords("pass show varve"), (Words{"pass", "show", "varve"}));
  EXPECT_EQ(*SplitWords("  a\t b \n"), (Words{"a", "b"}));
  EXPECT_EQ(*SplitWords("a 'b c' \"d e\"f"), (Words{"a", "b c", "d ef"}));
  EXPECT_EQ(*SplitWords("a '' \"\""), (Words{"a", "", ""}));
  EXPECT_EQ(*SplitWords("a\\ b \"q\\\"\" 'c\\d'"), (Words{"a b", "q\"", "c\\d"}));
  EXPECT_EQ(*SplitWords("echo $HOME|cat > *"), (Words{"echo", "$HOME|cat", ">", "*"}));
  for (const char* bad : {"", "  ", "a 'b", "a \"b", "a\\"})
    EXPECT_TRUE(HasCode(SplitWords(bad), Code::kInvalidArgument)) << bad;
}

}  // namespace
}  // namespace varve
