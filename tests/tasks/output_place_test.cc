// Where sinks of a confined process may write, with links laid by somebody who wants them elsewhere.
#include "worker/tasks/output_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/output_folders.h"
#include "tests/tasks/harness.h"
#include "worker/tasks/durable_file.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// By the kernel's rule, and folder by folder as on older kernels.
class Confined : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) ::setenv("RIDE_NO_OPENAT2", "1", 1);
    fs::create_directories(temp_ / "out/inside");
    fs::create_directories(temp_ / "second");
    fs::create_directories(temp_ / "outside");
    confine_outputs({temp_ / "out", temp_ / "second"});
  }
  void TearDown() override {
    confine_outputs({});
    ::unsetenv("RIDE_NO_OPENAT2");
  }

  Result<void> write(const std::string& path) {
    const std::uint8_t byte[] = {'x'};
    auto file = DurableFile::create(path, {"job", "stage", "w1"}, true);
    if (!file) return file.error();
    if (auto written = file->write(byte); !written) return written;
    return file->commit();
  }
  void expect_refused(const std::string& path) {
    const auto refused = write(path);
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().code, ErrorCode::permission) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("--output")) << path;
    EXPECT_TRUE(fs::is_empty(temp_ / "outside")) << path;
  }

  TempFolder temp_;
};

TEST_P(Confined, FilesLieInTheOutputFoldersAndRelativeOnesInTheFirst) {
  for (const std::string& path : {temp_ / "out/a/b/1.jpg", temp_ / "second/1.jpg", std::string("c/d/1.jpg"),
                                  std::string("2.jpg"), std::string("c/../e/1.jpg"), temp_ / "out/../second/2.jpg"})
    EXPECT_TRUE(write(path).ok()) << path << ": " << write(path).error().message;
  for (const char* there :
       {"out/a/b/1.jpg", "second/1.jpg", "out/c/d/1.jpg", "out/2.jpg", "out/e/1.jpg", "second/2.jpg"})
    EXPECT_TRUE(fs::is_regular_file(temp_ / there)) << there;
  EXPECT_TRUE(write(temp_ / "out/a/b/1.jpg").ok()) << "again, over what is there";
}

TEST_P(Confined, PathsThatLieElsewhereAreRefused) {
  for (const std::string& path :
       {temp_ / "outside/1.jpg", temp_ / "out/../outside/1.jpg", std::string("../outside/1.jpg"),
        std::string("a/../../outside/1.jpg"), temp_ / "out2/1.jpg", std::string("/etc/1.jpg")}) {
    expect_refused(path);
    EXPECT_FALSE(check_output(path).ok()) << path;
  }
  EXPECT_TRUE(check_output("a/{source}/{seq}.jpg").ok());
  EXPECT_FALSE(check_output("{source}/../../{seq}.jpg").ok());
}

TEST_P(Confined, LinksThatLeadOutsideAreRefused) {
  fs::create_directory_symlink(temp_ / "outside", temp_ / "out/absolute");
  fs::create_directory_symlink("../outside", temp_ / "out/relative");
  fs::create_directory_symlink("../../outside", temp_ / "out/inside/deep");
  fs::create_directory_symlink(temp_ / "outside/none", temp_ / "out/dangling");
  fs::create_directory_symlink("loop", temp_ / "out/loop");
  for (const std::string path : {"absolute/1.jpg", "relative/1.jpg", "inside/deep/1.jpg", "absolute/new/folder/1.jpg",
                                 "inside/deep/new/1.jpg", "dangling/1.jpg", "loop/1.jpg"})
    expect_refused(temp_ / ("out/" + path));
}

TEST_P(Confined, ALinkInThePlaceOfAFileIsReplacedAndNotFollowed) {
  std::ofstream(temp_ / "kept.jpg") << "kept";
  fs::create_symlink(temp_ / "kept.jpg", temp_ / "out/1.jpg");
  EXPECT_TRUE(write("1.jpg").ok());
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(temp_ / "out/1.jpg")));
  EXPECT_EQ(fs::file_size(temp_ / "kept.jpg"), 4u);
}

TEST_P(Confined, AnOutputFolderThatIsNotThereIsMadeAndMayItselfBeALink) {
  fs::create_directory_symlink(temp_ / "second", temp_ / "linked");
  confine_outputs({temp_ / "new/folder", temp_ / "linked"});
  EXPECT_TRUE(write("a/1.jpg").ok());
  EXPECT_TRUE(fs::is_regular_file(temp_ / "new/folder/a/1.jpg"));
  EXPECT_TRUE(write(temp_ / "linked/a/1.jpg").ok()) << "it was named by who runs the node";
  EXPECT_TRUE(fs::is_regular_file(temp_ / "second/a/1.jpg"));
}

// Somebody swaps a folder for a link, again and again, while it is written to.
TEST_P(Confined, AFolderThatBecomesALinkMeanwhileLeadsNobodyOutside) {
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    while (!stop) {
      std::error_code ignored;
      fs::create_directory_symlink(temp_ / "outside", temp_ / "link", ignored);
      fs::rename(temp_ / "out/inside", temp_ / "out/aside", ignored);
      fs::rename(temp_ / "link", temp_ / "out/inside", ignored);
      fs::remove(temp_ / "out/inside", ignored);
      fs::rename(temp_ / "out/aside", temp_ / "out/inside", ignored);
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto done = write("inside/a/" + std::to_string(i) + ".jpg");
    if (!done.ok()) {
      EXPECT_THAT(done.error().message, HasSubstr("inside"));
    }
  }
  stop = true;
  swapper.join();
  EXPECT_TRUE(fs::is_empty(temp_ / "outside"));
}

TEST_P(Confined, SinksRefuseAtTheirOpening) {
  for (const auto& [task, path] :
       {std::pair("write_images", "outside/{seq}.jpg"), std::pair("write_video", "outside/{segment}.avi"),
        std::pair("print", "outside/lines.txt")}) {
    const auto refused = try_open(task, {{"path", temp_ / path}});
    ASSERT_FALSE(refused.ok()) << task;
    EXPECT_THAT(refused.error().message, HasSubstr("is outside of the folders that sinks may write to"));
  }
  fs::create_symlink(temp_ / "outside/lines.txt", temp_ / "out/lines.txt");
  EXPECT_FALSE(try_open("print", {{"path", std::string("lines.txt")}}).ok())
      << "a file is appended to, and would be followed";
  EXPECT_TRUE(fs::is_empty(temp_ / "outside"));
}

INSTANTIATE_TEST_SUITE_P(Kernels, Confined, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "Older" : "ByOpenat2"; });

TEST(OutputFolders, AreComparedByWholeNames) {
  const std::vector<std::string> folders = {"/srv/out", "/mnt"};
  EXPECT_EQ(place_in("a/{seq}.jpg", folders)->relative, "a/{seq}.jpg");
  EXPECT_EQ(place_in("/mnt/x/{seq}.jpg", folders)->folder, "/mnt");
  for (const char* other : {"/srv/out2/{seq}.jpg", "/srv/out", "/srv/out/", "../x", "a/", "", "/"})
    EXPECT_FALSE(place_in(other, folders)) << other;
  EXPECT_TRUE(place_in("/anything", {"/"}));
  EXPECT_EQ(plain_folder("../x/./", "/srv/out"), "/srv/x");
  EXPECT_EQ(fixed_folder_of("out/{source}/{seq}.jpg"), "out");
  EXPECT_EQ(fixed_folder_of("{seq}.jpg"), ".");
}

}  // namespace
}  // namespace ride::tasks
