#include "common/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ride {
namespace {

class TokenFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "ride-tokens-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::vector<std::string>> read(const std::string& text, mode_t mode = 0600) {
    const auto file = (folder_ / "tokens").string();
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return read_token_file(file);
  }
  std::filesystem::path folder_;
};

TEST_F(TokenFile, HoldsOneALine) {
  const auto tokens = read("# of the office\n\n  first-token-0123456789  \r\nsecond-token-0123456789");
  ASSERT_TRUE(tokens.ok()) << tokens.error().message;
  EXPECT_EQ(*tokens, (std::vector<std::string>{"first-token-0123456789", "second-token-0123456789"}));
  EXPECT_TRUE(read("first-token-0123456789\n", 0640).ok()) << "a group of its own may read it";
}

TEST_F(TokenFile, IsRefusedWhereEverybodyMayReadIt) {
  const auto refused = read("first-token-0123456789\n", 0644);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::permission);
  EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos) << refused.error().message;
}

TEST_F(TokenFile, SaysWhatIsWrongAndNeverWhatStandsInIt) {
  for (const std::string text :
       {"", "# nothing\n", "hunter2hunter2\n", "secret with blanks in it\n", "sécret-0123456789abc\n"}) {
    const auto refused = read(text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("secret with"), std::string::npos);
    EXPECT_NE(refused.error().message.find("openssl rand"), std::string::npos);
  }
  EXPECT_FALSE(read_token_file((folder_ / "none").string()).ok());
  EXPECT_FALSE(read_token_file("/dev/zero").ok());
  EXPECT_FALSE(read_token_file(folder_.string()).ok());
  EXPECT_FALSE(read(std::string(100'000, 'x')).ok());
}

TEST(Tokens, AreTheSameOrNot) {
  EXPECT_TRUE(same_token("abc", "abc"));
  for (const auto* other : {"", "ab", "abd", "abcd", "abcabc"}) EXPECT_FALSE(same_token(other, "abc")) << other;
  EXPECT_FALSE(same_token("", "abc"));
  EXPECT_FALSE(same_token("abc", ""));
}

}  // namespace
}  // namespace ride
