#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "common/text.h"
#include "tests/tasks/faults.h"
#include "tests/tasks/harness.h"
#include "worker/tasks/durable_file.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::string>;

ParamValues to(const std::string& path, const ParamValues& more = {}) {
  ParamValues params = more;
  params["path"] = path;
  return params;
}

Result<void> write(const ParamValues& params, const Frame& frame) {
  KeepingEmitter out;
  auto task = opened("write_images", params);
  auto done = task->process(frame, out);
  EXPECT_TRUE(out.frames.empty());
  task->close();
  return done;
}

TEST(WriteImages, NamesTheFileAfterTheFrame) {
  TempFolder folder;
  const auto path = folder / "{job}/{run}/{stage}/{source}/{session}/{seq:06}.png";
  ASSERT_TRUE(write(to(path), frame_of(noise(5, 7, CV_8UC3), 42)));
  EXPECT_EQ(folder.files(), Files{"street/4/album/gate/3/000042.png"});
}

Frame of_file(const std::string& file, int type = CV_8UC3) {
  auto frame = frame_of(noise(5, 7, type), 42);
  frame.attributes["source_file"] = file;
  return frame;
}

TEST(WriteImages, APictureKeepsTheNameAndTheTypeOfItsFile) {
  TempFolder folder;
  for (const char* file : {"p01.jpg", "p02.PNG", "day 1/p01.jpg", "p03.jpe", "p04.dib", "p05.ppm"})
    ASSERT_TRUE(write(to(folder / "out/{file}"), of_file(file))) << file;
  ASSERT_TRUE(write(to(folder / "out/{file}"), of_file("gray.pgm", CV_8UC1)));
  EXPECT_EQ(folder.files(), (Files{"out/day 1/p01.jpg", "out/gray.pgm", "out/p01.jpg", "out/p02.PNG", "out/p03.jpe",
                                   "out/p04.dib", "out/p05.ppm"}));
  for (const char* file : {"p02.PNG", "p04.dib", "p05.ppm"})
    EXPECT_EQ(largest_difference(cv::imread(folder / ("out/" + std::string(file))), of_file(file).image), 0) << file;
  EXPECT_EQ(largest_difference(cv::imread(folder / "out/gray.pgm", cv::IMREAD_UNCHANGED), of_file("", CV_8UC1).image),
            0);
}

TEST(WriteImages, AnotherTypeMayBeGivenBehindTheStem) {
  TempFolder folder;
  ASSERT_TRUE(write(to(folder / "{source}/{file_stem}.png"), of_file("day1/p01.jpg")));
  ASSERT_TRUE(write(to(folder / "{file}.png"), of_file("p01.jpg")));
  EXPECT_EQ(folder.files(), (Files{"gate/day1/p01.png", "p01.jpg.png"}));
}

TEST(WriteImages, AFileNameFromAStrangerStaysInTheFolder) {
  TempFolder folder;
  fs::create_directories(folder / "out");
  for (const char* hostile : {"../../x.jpg", "/tmp/ride-x.jpg", "..", "a/../../x.jpg", ".ssh/x.jpg", "a\nb.jpg"}) {
    auto task = opened("write_images", to(folder / "out/{file}"));
    KeepingEmitter out;
    (void)task->process(of_file(hostile), out);
  }
  for (const auto& file : folder.files()) EXPECT_TRUE(file.starts_with("out/") && !file.starts_with("out/.")) << file;
  EXPECT_FALSE(fs::exists("/tmp/ride-x.jpg"));
  EXPECT_FALSE(write(to(folder / "out/{file}"), of_file(std::string(5000, 'a') + ".jpg")));
}

TEST(WriteImages, AFrameWithoutAFileOrOfATypeThatCannotBeWrittenSaysSo) {
  TempFolder folder;
  const auto camera = write(to(folder / "{file}"), frame_of(noise(5, 7, CV_8UC3), 42));
  ASSERT_FALSE(camera);
  EXPECT_FALSE(camera.error().retriable);
  EXPECT_THAT(camera.error().message, ::testing::HasSubstr("it came from no file"));
  const auto text = write(to(folder / "{file}"), of_file("p01.gif"));
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, ::testing::HasSubstr("pictures cannot be written with the extension 'gif'"));
  EXPECT_THAT(text.error().message, ::testing::HasSubstr("(file p01.gif)")) << "the file is named";
}

TEST(WriteImages, PixelsComeBackWhereTheFormatKeepsThem) {
  TempFolder folder;
  const std::pair<const char*, std::vector<int>> formats[] = {
      {"png", {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4}},
      {"tif", {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3, CV_32FC1, CV_32FC3}},
      {"bmp", {CV_8UC1, CV_8UC3}}};
  for (const auto& [extension, types] : formats) {
    for (const int type : types) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(31, 17)}) {
        const cv::Mat image = noise(size.height, size.width, type);
        const std::string path = folder / ("{seq}." + std::string(extension));
        ASSERT_TRUE(write(to(path), frame_of(image, type)));
        const cv::Mat back = cv::imread(folder / (std::to_string(type) + "." + extension), cv::IMREAD_UNCHANGED);
        EXPECT_EQ(largest_difference(back, image), 0) << extension << type;
      }
    }
  }
}

TEST(WriteImages, LossyFormatsComeCloseAndFollowTheQuality) {
  TempFolder folder;
  cv::Mat image(64, 64, CV_8UC3, cv::Scalar(30, 120, 220));
  for (const char* name : {"{seq}.jpg", "{seq}.JPEG", "{seq}.webp"}) {
    ASSERT_TRUE(write(to(folder / name), frame_of(image)));
    const std::string written = folder / ("0" + std::string(name).substr(5));
    EXPECT_LE(largest_difference(cv::imread(written), image), 4) << name;
  }
  const Frame rough = frame_of(noise(64, 64, CV_8UC3));
  ASSERT_TRUE(write(to(folder / "q10/{seq}.jpg", {{"quality", std::int64_t{10}}}), rough));
  ASSERT_TRUE(write(to(folder / "q95/{seq}.jpg", {{"quality", std::int64_t{95}}}), rough));
  EXPECT_LT(2 * bytes_of(folder / "q10/0.jpg").size(), bytes_of(folder / "q95/0.jpg").size());
}

TEST(WriteImages, EncodedBytesOfThatFormatAreWrittenAsTheyAre) {
  TempFolder folder;
  const std::vector<std::uint8_t> bytes = {9, 8, 7, 6};
  const Frame frame = with_bytes(frame_of(noise(5, 7, CV_8UC3)), bytes, "image/jpeg");
  ASSERT_TRUE(write(to(folder / "{seq}.jpg"), frame));
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame));
  EXPECT_EQ(bytes_of(folder / "0.jpg"), bytes);
  EXPECT_EQ(cv::imread(folder / "0.png").size(), cv::Size(7, 5)) << "another format is encoded anew";
}

TEST(WriteImages, ADepthThatTheFormatCannotHoldIsRefusedWithAWayOut) {
  TempFolder folder;
  const std::string error = error_of("write_images", to(folder / "{seq}.jpg"), frame_of(noise(4, 4, CV_16UC1), 7));
  EXPECT_NE(error.find("frame gate/3/7"), std::string::npos) << error;
  EXPECT_NE(error.find("choose .png or .tif"), std::string::npos) << error;
  error_of("write_images", to(folder / "{seq}.png"), frame_of(noise(4, 4, CV_32FC1)));
  error_of("write_images", to(folder / "{seq}.jpg"), frame_of(cv::Mat()));
  EXPECT_EQ(folder.files(), Files{});
}

TEST(WriteImages, AFrameThatComesAgainTakesTheSamePlace) {
  TempFolder folder;
  const Frame frame = frame_of(noise(5, 7, CV_8UC3));
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame));
  const auto first = bytes_of(folder / "0.png");
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame));
  EXPECT_EQ(bytes_of(folder / "0.png"), first);
  ASSERT_TRUE(write(to(folder / "{seq}.png", {{"on_conflict", std::string("fail")}}), frame)) << "the same bytes";
  EXPECT_EQ(folder.files(), Files{"0.png"});
}

TEST(WriteImages, OtherBytesUnderThatNameAreReplacedOrRefusedAsAsked) {
  TempFolder folder;
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(5, 7, CV_8UC3, 1))));
  const auto first = bytes_of(folder / "0.png");
  const auto refused =
      write(to(folder / "{seq}.png", {{"on_conflict", std::string("fail")}}), frame_of(noise(5, 7, CV_8UC3, 2)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::already_exists);
  EXPECT_EQ(bytes_of(folder / "0.png"), first);
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(5, 7, CV_8UC3, 2))));
  EXPECT_NE(bytes_of(folder / "0.png"), first);
}

TEST(WriteImages, HostileSourceNamesCannotLeaveTheFolder) {
  TempFolder folder;
  const auto path = folder / "in/{source}/{seq}.png";
  for (const std::string source : {"../../outside", "/etc/x", "..", "a/../../b", ".", "x\ny"}) {
    ASSERT_TRUE(write(to(path), frame_of(noise(2, 2, CV_8UC1), 0, source))) << source;
  }
  for (const auto& file : folder.files()) {
    EXPECT_TRUE(file.starts_with("in/")) << file;
    EXPECT_EQ(std::count(file.begin(), file.end(), '/'), 2) << file;
  }
  EXPECT_EQ(folder.files().size(), 6u);
  const auto too_long = write(to(path), frame_of(noise(2, 2, CV_8UC1), 0, std::string(300, 'x')));
  ASSERT_FALSE(too_long);
  EXPECT_FALSE(too_long.error().retriable) << "it would fail for ever";
}

void expect_full(const Result<void>& done, const std::string& path) {
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(done.error().retriable);
  EXPECT_NE(done.error().message.find("stage 'album', frame gate/3/0: cannot write '" + path + "': "),
            std::string::npos)
      << done.error().message;
}

TEST(WriteImages, AFileThatMayNotGrowLeavesNothingBehind) {
  TempFolder folder;
  {
    const FileSizeLimit limit(1000);
    expect_full(write(to(folder / "{seq}.png"), frame_of(noise(64, 64, CV_8UC3))), folder / "0.png");
  }
  EXPECT_EQ(folder.files(), Files{});
  EXPECT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(64, 64, CV_8UC3)))) << "it goes on when there is space";
}

TEST(WriteImages, AFullDiskIsNamedAndThePictureThatWasThereStays) {
  TempFolder folder;
  ASSERT_EQ(::mkdir((folder / "disk").c_str(), 0755), 0);
  const std::string said = on_small_disk(folder / "disk", 64 * 1024, [&]() -> std::string {
    const std::string path = folder / "disk/{seq}.png";
    if (const auto small = write(to(path), frame_of(noise(8, 8, CV_8UC3))); !small) return small.error().message;
    const auto before = bytes_of(folder / "disk/0.png");
    const auto large = write(to(path), frame_of(noise(400, 400, CV_8UC3)));
    if (large || !large.error().retriable) return "it was not refused as retriable";
    if (folder.files() != Files{"disk/0.png"}) return "something was left behind";
    if (bytes_of(folder / "disk/0.png") != before) return "the old picture was harmed";
    if (const auto again = write(to(path), frame_of(noise(9, 9, CV_8UC3))); !again) return "no room is left";
    return large.error().message;
  });
  if (said == "skip") GTEST_SKIP() << "this user may not mount";
  EXPECT_NE(said.find("No space left on device; free space on that disk"), std::string::npos) << said;
}

TEST(WriteImages, AFolderThatRefusesIsNamed) {
  TempFolder folder;
  ASSERT_EQ(::chmod((folder / "").c_str(), 0755), 0);
  const ReadOnlyFolder locked(folder / "locked");
  for (const char* path : {"locked/{seq}.png", "locked/deeper/{seq}.png"}) {
    const auto done = write(to(folder / path), frame_of(noise(4, 4, CV_8UC3)));
    ASSERT_FALSE(done) << path;
    EXPECT_EQ(done.error().code, ErrorCode::permission);
    EXPECT_TRUE(done.error().retriable);
    EXPECT_NE(done.error().message.find(folder / "locked"), std::string::npos) << done.error().message;
    EXPECT_NE(done.error().message.find("Permission denied; give the user"), std::string::npos) << done.error().message;
  }
}

TEST(WriteImages, AFileWhereAFolderShouldBeIsNamed) {
  TempFolder folder;
  std::ofstream(folder / "taken") << "x";
  const auto done = write(to(folder / "taken/{seq}.png"), frame_of(noise(4, 4, CV_8UC3)));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("Not a directory"), std::string::npos) << done.error().message;
  ASSERT_EQ(::mkdir((folder / "0.png").c_str(), 0755), 0);
  EXPECT_FALSE(write(to(folder / "{seq}.png"), frame_of(noise(4, 4, CV_8UC3))));
  EXPECT_EQ(folder.files(), Files{"taken"}) << "temporary files were left behind";
}

void age(const std::string& path) {
  const utimbuf old{0, 0};
  ASSERT_EQ(::utime(path.c_str(), &old), 0);
}

TEST(WriteImages, WhatAKilledWriterLeftIsRemovedOnceItIsOld) {
  TempFolder folder;
  std::ofstream(folder / ".0.png.w0.1-1.ride-tmp") << "old";
  std::ofstream(folder / ".1.png.w0.1-2.ride-tmp") << "fresh";
  age(folder / ".0.png.w0.1-1.ride-tmp");
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(4, 4, CV_8UC3))));
  EXPECT_EQ(folder.files(), (Files{".1.png.w0.1-2.ride-tmp", "0.png"}));
}

TEST(WriteImages, AFileOfTheUsersThatEndsLikeOursStays) {
  TempFolder folder;
  const Files theirs = {".1-2.ride-tmp",     ".a.b.1-x.ride-tmp", ".a.b.ride-tmp",
                        ".a.b.x-2.ride-tmp", ".holiday.ride-tmp", ".ride-tmp"};
  for (const auto& name : theirs) {
    std::ofstream(folder / name) << "mine";
    age(folder / name);
  }
  ASSERT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(4, 4, CV_8UC3))));
  Files all = theirs;
  all.push_back("0.png");
  EXPECT_EQ(folder.files(), all);
}

// Somebody who may not open it cannot know that its writer is alive.
TEST(WriteImages, AnOldFileOfAnotherUserStays) {
  TempFolder folder;
  ASSERT_EQ(::chmod((folder / "").c_str(), 0777), 0);
  const std::string theirs = ".0.png.w0.1-1.ride-tmp", left = ".0.png.w0.1-2.ride-tmp";
  for (const auto& name : {theirs, left}) {
    std::ofstream(folder / name) << "old";
    ASSERT_EQ(::chmod((folder / name).c_str(), name == theirs ? 0444 : 0666), 0);
    age(folder / name);
  }
  {
    const ReadOnlyFolder as_somebody_else(folder / "unused");  // root, who may open anything, is another user meanwhile
    ASSERT_TRUE(write(to(folder / "{seq}.png"), frame_of(noise(4, 4, CV_8UC3))));
  }
  EXPECT_EQ(folder.files(), (Files{theirs, "0.png"}));
}

TEST(WriteImages, WhatSomebodyRemovedBeforeItWasInItsPlaceIsWrittenAnew) {
  TempFolder folder;
  for (const bool whole_folder : {false, true}) {
    auto file = DurableFile::create(folder / "in/1.png", {"street", "album", "w1"}, true);
    ASSERT_TRUE(file) << file.error().message;
    const std::vector<std::uint8_t> bytes(100'000, 7);
    ASSERT_TRUE(file->write(bytes));
    ASSERT_EQ(folder.files().size(), 1U);
    if (whole_folder)
      fs::remove_all(folder / "in");
    else
      fs::remove(folder / folder.files().front());
    const auto done = file->commit();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(folder.files(), Files{"in/1.png"});
    EXPECT_EQ(bytes_of(folder / "in/1.png"), bytes);
    fs::remove_all(folder / "in");
  }
}

TEST(WriteImages, ATemporaryNameIsCutAtACharacter) {
  TempFolder folder;
  const auto file =
      DurableFile::create(folder / (std::string(99, 'a') + "\u00e9\u00e9.png"), {"street", "album", "w1"}, true);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(folder.files().size(), 1U);
  const auto name = folder.files().front();
  EXPECT_EQ(one_line(name), name) << "not UTF-8";
}

TEST(WriteImages, ANameThatItsFileSystemDoesNotTakeIsAskedForOnce) {
  TempFolder folder;
  const auto longer = DurableFile::create(folder / std::string(256, 'a'), {"street", "album", "w1"}, true);
  ASSERT_FALSE(longer);
  EXPECT_FALSE(longer.error().retriable) << longer.error().message;
  EXPECT_TRUE(folder.files().empty());
  for (const int reason : {EINVAL, EILSEQ, ENAMETOOLONG})
    EXPECT_FALSE(name_error("write", "a", reason).retriable) << reason;
  EXPECT_TRUE(name_error("write", "a", ENOSPC).retriable);
  EXPECT_TRUE(system_error("sync", "a", EINVAL).retriable) << "that says nothing of a name";
}

// A worker of a stage, in a process of its own, that is killed while it writes: its file stays, half written.
pid_t writer_in_a_child(const std::string& path, const FileWriter& writer, bool killed) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = DurableFile::create(path, writer, true);
    const std::uint8_t half[4] = {1, 2, 3, 4};
    if (!file || !file->write(half) || ::write(ready[1], "x", 1) != 1) ::_exit(1);
    if (killed) ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
  char x = 0;
  EXPECT_EQ(::read(ready[0], &x, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  if (killed) ::waitpid(child, nullptr, 0);
  return child;
}

TEST(WriteImages, TheNextOwnerRemovesWhatAKilledWorkerOfItsStageLeft) {
  TempFolder folder;
  const FileWriter mine{"street", "album", "w2"};
  const auto write_one = [&](int number) {
    auto file = DurableFile::create(folder / (std::to_string(number) + ".png"), mine, true);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->commit());
  };
  const auto leftovers = [&] {
    int count = 0;
    for (const auto& name : folder.files()) count += name.ends_with(".ride-tmp") ? 1 : 0;
    return count;
  };
  // This worker has written here before; a user's own file has a name that is like ours.
  write_one(0);
  std::ofstream(folder / ".holiday.ride-tmp") << "mine";
  age(folder / ".holiday.ride-tmp");
  writer_in_a_child(folder / "1.png", {"street", "album", "w1"}, true);
  const pid_t other = writer_in_a_child(folder / "2.png", {"street", "plates", "w3"}, false);
  const pid_t alive = writer_in_a_child(folder / "3.png", {"street", "album", "w4"}, false);
  writer_in_a_child(folder / "4.png", {"street", "plates", "w5"}, true);
  EXPECT_EQ(leftovers(), 5);
  write_one(5);
  EXPECT_EQ(leftovers(), 5) << "nothing was taken over: nobody looks";
  look_for_leftovers();
  write_one(6);
  EXPECT_EQ(leftovers(), 4) << "of its own stage, whose writer is dead, and no other";
  for (const pid_t one : {other, alive}) {
    ::kill(one, SIGKILL);
    ::waitpid(one, nullptr, 0);
  }
  look_for_leftovers();
  write_one(7);
  EXPECT_EQ(leftovers(), 3);
  EXPECT_TRUE(fs::exists(folder / ".holiday.ride-tmp"));
}

}  // namespace
}  // namespace ride::tasks
