#include "producer/sources/directory_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "make_request.h"
#include "test_files.h"

namespace ride::producer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Items {
  std::vector<CapturedFrame> frames;
  std::map<std::int64_t, std::string> rejected;
};

Items read_all(Source& source) {
  Items items;
  while (true) {
    auto pulled = source.next(std::chrono::milliseconds(0));
    if (!pulled) {
      ADD_FAILURE() << pulled.error().message;
      return items;
    }
    if (std::holds_alternative<SourceEnded>(*pulled)) return items;
    if (auto* frame = std::get_if<CapturedFrame>(&*pulled)) items.frames.push_back(std::move(*frame));
    if (auto* item = std::get_if<RejectedItem>(&*pulled)) items.rejected[item->number] = item->name + " " + item->cause;
  }
}

TEST(DirectorySource, GivesFilesInOrderOfTheirNamesAndKeepsTheirBytes) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg"), png = encoded(test_picture(20, 30), ".png");
  folder.write("10.jpg", jpeg);
  folder.write("2.PNG", png);
  folder.write("3.pgm", encoded(test_picture(8, 9, CV_8UC1), ".pgm"));
  folder.write("notes.txt", "no picture, and not asked for");
  folder.write(".hidden.jpg", jpeg);
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path()}, manifest);
  ASSERT_TRUE(source.open(0).ok());
  EXPECT_EQ(source.state().total, 3);
  const Items items = read_all(source);
  ASSERT_EQ(items.frames.size(), 3u);
  EXPECT_TRUE(items.rejected.empty());
  EXPECT_EQ(items.frames[0].name, folder / "10.jpg");
  EXPECT_EQ(items.frames[0].encoded->content_type, "image/jpeg");
  EXPECT_TRUE(std::ranges::equal(items.frames[0].encoded->bytes, jpeg));
  EXPECT_EQ(items.frames[1].encoded->content_type, "image/png");
  EXPECT_TRUE(std::ranges::equal(items.frames[1].encoded->bytes, png));
  EXPECT_FALSE(items.frames[2].encoded.has_value());
  EXPECT_EQ(items.frames[2].image.size(), cv::Size(9, 8));
  EXPECT_EQ(items.frames[2].number, 2);
  EXPECT_EQ(items.frames[1].attributes.at("source_file"), std::filesystem::path(items.frames[1].name).filename());
}

TEST(DirectorySource, AFrameCarriesThePathOfItsFileWithinTheFolder) {
  const TempFolder folder;
  folder.write("b.jpg", encoded(test_picture(20, 30), ".jpg"));
  folder.write("day 1/b.jpg", encoded(test_picture(20, 30), ".jpg"));
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path(), .recursive = true}, manifest);
  ASSERT_TRUE(source.open(0).ok());
  const Items items = read_all(source);
  ASSERT_EQ(items.frames.size(), 2u);
  EXPECT_EQ(items.frames[0].attributes.at("source_file"), "b.jpg");
  EXPECT_EQ(items.frames[1].attributes.at("source_file"), "day 1/b.jpg");
}

TEST(DirectorySource, DecodesAsWellWhereAnOutputWantsAnotherCodec) {
  const TempFolder folder;
  folder.write("a.jpg", encoded(test_picture(20, 30), ".jpg"));
  folder.write("b.png", encoded(test_picture(20, 30), ".png"));
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path(), .wanted = {parse_codec("jpeg:90").value()}}, manifest);
  ASSERT_TRUE(source.open(0).ok());
  const Items items = read_all(source);
  ASSERT_EQ(items.frames.size(), 2u);
  EXPECT_TRUE(items.frames[0].image.empty());
  EXPECT_EQ(items.frames[1].image.size(), cv::Size(30, 20));
  EXPECT_EQ(items.frames[1].encoded->content_type, "image/png");
}

TEST(DirectorySource, RejectsHostileFilesByNumberAndGoesOn) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(40, 60), ".jpg"), png = encoded(test_picture(40, 60), ".png");
  folder.write("a.jpg", jpeg);
  folder.write("b.jpg", "Dear Sir or Madam,\n");
  folder.write("c.jpg", first(jpeg, jpeg.size() * 2 / 3));
  folder.write("d.png", first(png, png.size() * 2 / 3));
  folder.write("e.jpg", "");
  folder.write("f.png", encoded(test_picture(200, 200), ".png"));
  folder.write("g.png", png);
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path(), .max_pixels = 10'000}, manifest);
  ASSERT_TRUE(source.open(0).ok());
  const Items items = read_all(source);
  ASSERT_EQ(items.frames.size(), 2u);
  EXPECT_EQ(items.frames[0].number, 0);
  EXPECT_EQ(items.frames[1].number, 6);
  ASSERT_EQ(items.rejected.size(), 5u);
  EXPECT_THAT(items.rejected.at(1), HasSubstr("b.jpg is a text file"));
  EXPECT_THAT(items.rejected.at(2), HasSubstr("c.jpg is truncated or damaged"));
  EXPECT_THAT(items.rejected.at(3), HasSubstr("d.png is truncated or damaged"));
  EXPECT_THAT(items.rejected.at(4), HasSubstr("e.jpg is empty"));
  EXPECT_THAT(items.rejected.at(5), HasSubstr("f.png has 200 x 200 = 40000 pixels"));
}

TEST(DirectorySource, FoldersWithinAreReadOnlyWhenAskedFor) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  folder.write("b.jpg", jpeg);
  folder.write("a/z.jpg", jpeg);
  folder.write("a/deep/y.jpeg", jpeg);
  folder.write(".git/x.jpg", jpeg);
  std::filesystem::create_directory_symlink(folder.path(), folder / "a/loop");
  std::filesystem::create_symlink(folder / "nowhere", folder / "dangling.jpg");
  EXPECT_THAT(list_pictures({.path = folder.path()}).value(), ElementsAre("b.jpg"));
  EXPECT_THAT(list_pictures({.path = folder.path(), .recursive = true}).value(),
              ElementsAre("a/deep/y.jpeg", "a/z.jpg", "b.jpg"));
  EXPECT_THAT(list_pictures({.path = folder.path(), .glob = "*.jpg", .recursive = true}).value(),
              ElementsAre("a/z.jpg", "b.jpg"));
  EXPECT_THAT(list_pictures({.path = folder.path(), .glob = "a/*.jpg", .recursive = true}).value(),
              ElementsAre("a/z.jpg"));
}

TEST(DirectorySource, SaysWhatIsWrongWithAFolder) {
  const TempFolder folder;
  const std::string file = folder.write("a.jpg", "x");
  auto missing = list_pictures({.path = folder / "gone"});
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("does not exist"));
  EXPECT_THAT(list_pictures({.path = file}).error().message, HasSubstr("is not a folder"));
  std::filesystem::create_directory(folder / "empty");
  EXPECT_THAT(list_pictures({.path = folder / "empty"}).error().message, HasSubstr("holds no file that matches"));
  EXPECT_THAT(list_pictures({.path = folder.path(), .glob = "*.png"}).error().message, HasSubstr("matches '*.png'"));
  if (geteuid() != 0) {
    std::filesystem::create_directory(folder / "locked");
    ASSERT_EQ(chmod((folder / "locked").c_str(), 0), 0);
    EXPECT_EQ(list_pictures({.path = folder / "locked"}).error().code, ErrorCode::permission);
  }
}

// Root may read everything: another user is taken on for as long as the folder is listed.
class AsNobody {
 public:
  AsNobody() : was_root_(geteuid() == 0) {
    if (was_root_ && seteuid(65534) != 0) ADD_FAILURE() << "cannot become another user";
  }
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }

 private:
  const bool was_root_;
};

TEST(DirectorySource, AFolderWithinThatCannotBeReadIsToldAndCountedAndTheOthersAreRead) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  folder.write("a/1.jpg", jpeg);
  folder.write("locked/2.jpg", jpeg);
  folder.write("z/3.jpg", jpeg);
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder / "locked").c_str(), 0), 0);
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path(), .recursive = true}, manifest);
  Items items;
  {
    const AsNobody nobody;
    const auto opened = source.open(0);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    items = read_all(source);
  }
  EXPECT_EQ(source.state().total, 3) << "two pictures, and the folder";
  ASSERT_EQ(items.frames.size(), 2U);
  EXPECT_EQ(items.frames[1].name, folder / "z/3.jpg");
  ASSERT_EQ(items.rejected.size(), 1U);
  EXPECT_THAT(items.rejected.at(1), HasSubstr("locked/ cannot be read: permission denied"));
  EXPECT_THAT(items.rejected.at(1), HasSubstr("what is in it is left out"));
  std::filesystem::permissions(folder / "locked", std::filesystem::perms::owner_all);
}

TEST(DirectorySource, WithNothingButFoldersThatCannotBeReadFails) {
  const TempFolder folder;
  folder.write("locked/2.jpg", encoded(test_picture(20, 30), ".jpg"));
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder / "locked").c_str(), 0), 0);
  {
    const AsNobody nobody;
    const auto listed = list_pictures({.path = folder.path(), .recursive = true});
    ASSERT_FALSE(listed.ok());
    EXPECT_EQ(listed.error().code, ErrorCode::permission);
  }
  std::filesystem::permissions(folder / "locked", std::filesystem::perms::owner_all);
}

TEST(DirectorySource, MessagesAndNamesShowTheTemplate) {
  const TempFolder folder;
  folder.write("broken.jpg", "no picture");
  MemoryManifest manifest;
  DirectorySource source({.path = folder.path(), .shown = "/pictures/${TOK}"}, manifest);
  ASSERT_TRUE(source.open(0).ok());
  const auto items = read_all(source);
  ASSERT_EQ(items.rejected.size(), 1u);
  EXPECT_TRUE(items.rejected.at(0).starts_with("/pictures/${TOK}/broken.jpg ")) << items.rejected.at(0);
  const auto gone = list_pictures({.path = folder / "hunter2", .shown = "${TOK}"});
  EXPECT_THAT(gone.error().message, HasSubstr("folder '${TOK}' does not exist"));
  EXPECT_THAT(gone.error().message, testing::Not(HasSubstr("hunter2")));
}

TEST(DirectorySource, ANumberMeansTheSameFileAfterARestartThoughTheFolderChanged) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  folder.write("b.jpg", jpeg);
  folder.write("c.jpg", jpeg);
  folder.write("d.jpg", jpeg);
  MemoryManifest manifest;
  DirectorySource before({.path = folder.path()}, manifest);
  ASSERT_TRUE(before.open(0).ok());
  folder.write("a.jpg", jpeg);
  std::filesystem::remove(folder / "b.jpg");
  std::filesystem::remove(folder / "d.jpg");
  DirectorySource after({.path = folder.path()}, manifest);
  ASSERT_TRUE(after.open(1).ok());
  const Items items = read_all(after);
  ASSERT_EQ(items.frames.size(), 1u);
  EXPECT_EQ(items.frames[0].number, 1);
  EXPECT_EQ(items.frames[0].name, folder / "c.jpg");
  EXPECT_THAT(items.rejected.at(2), HasSubstr("d.jpg cannot be opened (No such file"));
}

TEST(DirectorySource, WhatIsDoneIsLeftOutAndTheOthersKeepTheirNumbers) {
  const TempFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"})
    folder.write(name, encoded(test_picture(20, 30), ".jpg"));
  MemoryManifest manifest;
  // What has another number by now is read.
  DirectorySource source({.path = folder.path(), .done = {{0, "a.jpg"}, {2, "b.jpg"}, {3, "d.jpg"}, {9, "x.jpg"}}},
                         manifest);
  ASSERT_TRUE(source.open(0).ok());
  const Items items = read_all(source);
  ASSERT_EQ(items.frames.size(), 2u);
  EXPECT_TRUE(items.rejected.empty());
  EXPECT_EQ(items.frames[0].number, 1);
  EXPECT_EQ(items.frames[0].attributes.at("source_file"), "b.jpg");
  EXPECT_EQ(items.frames[1].number, 2);
  EXPECT_EQ(source.state().total, 4);
  EXPECT_EQ(source.state().done, 2);
  EXPECT_FALSE(items.frames[0].attributes.contains("source_file_version")) << "nobody asked for it";

  // The next owner knows it from the manifest, whatever it was told.
  DirectorySource next({.path = folder.path()}, manifest);
  ASSERT_TRUE(next.open(2).ok());
  ASSERT_EQ(read_all(next).frames.size(), 1u);
}

TEST(DirectorySource, NamesTheVersionOfAFileWhereARunAsksForIt) {
  const TempFolder folder;
  const auto bytes = encoded(test_picture(20, 30), ".jpg");
  const auto file = folder.write("a.jpg", bytes);
  struct stat state {};
  const auto version = [&] {
    EXPECT_EQ(::stat(file.c_str(), &state), 0);
    return input_version(state);
  };
  const auto version_given = [&] {
    MakeRequest request(std::map<std::string, std::string>{{"RIDE_RUN_RECIPE", "r"}});
    const auto source = request.make({.name = "src", .kind = "directory", .uri = folder.path(), .finite = true});
    EXPECT_TRUE(source.ok() && (*source)->open(0).ok());
    const auto items = read_all(**source);
    return items.frames.empty() ? "no frame" : items.frames[0].attributes.at("source_file_version");
  };
  const auto before = version_given();
  EXPECT_EQ(before, version());
  const timespec times[2] = {{1, 0}, {1, 7}};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  EXPECT_EQ(version_given(), version());
  EXPECT_TRUE(version().starts_with(std::to_string(bytes.size()) + "@1000000007/")) << version();
}

TEST(DirectorySource, ReadsWhatIsDoneFromTheFolderThatItsRunNames) {
  const TempFolder folder, lists;
  for (const char* name : {"a.jpg", "b.jpg"}) folder.write(name, encoded(test_picture(20, 30), ".jpg"));
  lists.write(done_list_name("src"), to_text(DoneItems{{1, "b.jpg"}}));
  MakeRequest request(std::map<std::string, std::string>{{"RIDE_RUN_DONE", lists.path()}});
  const auto source = request.make({.name = "src", .kind = "directory", .uri = folder.path(), .finite = true});
  ASSERT_TRUE(source.ok() && (*source)->open(0).ok());
  const auto items = read_all(**source);
  ASSERT_EQ(items.frames.size(), 1u);
  EXPECT_EQ(items.frames[0].attributes.at("source_file"), "a.jpg");
}

}  // namespace
}  // namespace ride::producer
