#include "cli/local/file_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FileWatchTest : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  test::TempFolder folder_{"watch"};
};

TEST_F(FileWatchTest, ASaveIsGivenOnceAndOnlyWhenTwoLooksAgree) {
  const auto a = write("a", "1"), b = write("b", "1");
  FileWatch watch({a, b});
  EXPECT_THAT(watch.saved(), IsEmpty());
  write("a", "22");
  EXPECT_THAT(watch.saved(), IsEmpty()) << "perhaps half-written";
  write("a", "333");
  EXPECT_THAT(watch.saved(), IsEmpty());
  EXPECT_THAT(watch.saved(), ElementsAre(a));
  EXPECT_THAT(watch.saved(), IsEmpty());
}

TEST_F(FileWatchTest, AFileThatIsRenamedOntoIsSaved) {
  const auto a = write("a", "1");
  FileWatch watch({a});
  fs::rename(write("new", "2"), a);
  watch.saved();
  EXPECT_THAT(watch.saved(), ElementsAre(a));
}

TEST_F(FileWatchTest, OneThatIsRemovedIsWaitedFor) {
  const auto a = write("a", "1");
  FileWatch watch({a});
  fs::remove(a);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(watch.saved(), IsEmpty());
  write("a", "2");
  watch.saved();
  EXPECT_THAT(watch.saved(), ElementsAre(a));
}

}  // namespace
}  // namespace ride::cli
