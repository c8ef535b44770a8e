#include "cli/local/resume.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "cli/local/picture_files.h"
#include "common/file_text.h"
#include "tests/support/temp_folder.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kFolder = "{ directory: FOLDER/in, recursive: true }";
constexpr const char* kBlurred = "  - { name: blur, from: [photos], task: gaussian_blur, params: { ksize: KSIZE } }\n";
constexpr const char* kKept =
    "  - { name: album, from: [blur], task: write_images, params: { path: \"FOLDER/out/{file}\" } }\n";

class ResumeTest : public ::testing::Test {
 protected:
  topology::Topology parsed(std::string source, std::string stages, std::string sinks) const {
    std::string yaml = "ride: v1\nname: t\nsources:\n  photos: " + source + "\nstages:\n" + stages + "sinks:\n" + sinks;
    for (const auto& [mark, with] :
         {std::pair<std::string, std::string>{"FOLDER", temp_.path().string()}, {"KSIZE", "5"}})
      for (auto at = yaml.find(mark); at != std::string::npos; at = yaml.find(mark))
        yaml.replace(at, mark.size(), with);
    auto outcome = topology::parse_topology(yaml, "t.yaml", tasks::builtin_catalog(), environment_of({}));
    EXPECT_TRUE(outcome.topology.has_value()) << topology::render(outcome.diagnostics, yaml);
    return std::move(*outcome.topology);
  }
  topology::Topology simple() const { return parsed(kFolder, kBlurred, kKept); }
  std::string refusal(const std::string& source, const std::string& stages, const std::string& sinks) const {
    const auto why = why_not_resumable(parsed(source, stages, sinks));
    return why ? why->message : "";
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((temp_ / name).parent_path());
    std::ofstream(temp_ / name) << text;
  }
  struct stat state_of(const std::string& name) const {
    struct stat state {};
    EXPECT_EQ(::stat((temp_ / name).c_str(), &state), 0) << name;
    return state;
  }
  // As the sink does it.
  WrittenLine made(const std::string& file, std::int64_t number, const std::string& recipe) const {
    return made(file, number, recipe, "out/" + file);
  }
  WrittenLine made(const std::string& file, std::int64_t number, const std::string& recipe,
                   const std::string& to) const {
    write(to, "blurred " + file);
    WrittenLine line{.recipe = recipe,
                     .sink = "album",
                     .from = "blur",
                     .source = "photos",
                     .file = file,
                     .number = number,
                     .version = input_version(state_of("in/" + file)),
                     .path = (temp_ / to).string(),
                     .written = file_version(state_of(to))};
    note(line);
    return line;
  }
  fs::path log() const { return written_log_path((temp_ / "out/{file}").string(), "t", "album"); }
  void note(const WrittenLine& line) const { std::ofstream(log(), std::ios::app) << to_text(line); }
  static std::string recipe(const topology::Topology& topology) { return recipe_of(topology).value(); }
  DonePictures found(const topology::Topology& topology, bool any = false) const {
    return find_done(topology, recipe(topology), any).value();
  }

  const test::TempFolder temp_{"resume"};
};

TEST_F(ResumeTest, APictureIsDoneWhenItsFileIsThereAsItWasWrittenFromItAsItIs) {
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "day 1/e.jpg"}) write("in/" + std::string(name), name);
  const auto topology = simple();
  const auto recipe = this->recipe(topology);
  EXPECT_EQ(found(topology).done, 0) << "no log is there";
  for (const auto& [name, number] :
       {std::pair{"a.jpg", 0}, {"b.jpg", 1}, {"c.jpg", 2}, {"d.jpg", 3}, {"day 1/e.jpg", 4}})
    made(name, number, recipe);
  EXPECT_EQ(found(topology).done, 5);
  EXPECT_EQ(found(topology).all, 5);
  write("in/a.jpg", "another picture");
  write("out/b.jpg", "not as we wrote it");
  fs::remove(temp_ / "out/c.jpg");
  EXPECT_EQ(found(topology).by_source.at("photos"), (DoneItems{{3, "d.jpg"}, {4, "day 1/e.jpg"}}));
}

TEST_F(ResumeTest, APictureThatWasReplacedIsAnotherOneWhateverItsTimeAndSizeSay) {
  for (const char* name : {"a.jpg", "b.jpg"}) write("in/" + std::string(name), "one");
  const auto topology = simple();
  made("a.jpg", 0, recipe(topology));
  made("b.jpg", 1, recipe(topology));
  ASSERT_EQ(found(topology).done, 2);
  const auto before = state_of("in/a.jpg");
  write("in/a.jpg", "two");
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (temp_ / "in/a.jpg").c_str(), times, 0), 0);
  ASSERT_EQ(file_version(before), file_version(state_of("in/a.jpg")));
  EXPECT_EQ(found(topology).by_source.at("photos"), (DoneItems{{1, "b.jpg"}}));
}

TEST_F(ResumeTest, WhatOthersDoToTheRightsOrLinksOfAWrittenFileMakesItNoOtherFile) {
  write("in/a.jpg", "a");
  const auto topology = simple();
  made("a.jpg", 0, recipe(topology));
  fs::create_hard_link(temp_ / "out/a.jpg", temp_ / "backup.jpg");
  fs::permissions(temp_ / "out/a.jpg", fs::perms::owner_read);
  EXPECT_EQ(found(topology).done, 1);
}

TEST_F(ResumeTest, AFolderThatCannotBeListedIsAnErrorAndNotAFolderOfWhichNothingIsDone) {
  const auto topology = simple();
  const auto done = find_done(topology, recipe(topology), false);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("source 'photos': folder"));
  EXPECT_THAT(done.error().message, HasSubstr("does not exist"));
}

TEST_F(ResumeTest, TwoPicturesThatWouldBeWrittenToOneFileAreRefusedByName) {
  for (const char* name : {"a.jpg", "a.png", "b.jpg"}) write("in/" + std::string(name), name);
  const auto by_stem = parsed(
      kFolder, kBlurred,
      "  - { name: album, from: [blur], task: write_images, params: { path: \"FOLDER/out/{file_stem}.png\" } }\n");
  const auto checked = check_picture_names(by_stem);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(checked.error().message, HasSubstr("sink 'album': 'a.jpg' and 'a.png' would both be written to " +
                                                 (temp_ / "out/a.png").string()));
  EXPECT_TRUE(check_picture_names(simple()).ok());
  EXPECT_TRUE(check_picture_names(parsed("{ directory: FOLDER/in, glob: \"*.jpg\" }", kBlurred, kKept)).ok());
}

TEST_F(ResumeTest, TwoSinksThatWouldWriteOneFileFromOnePictureAreRefusedByName) {
  write("in/a.png", "a");
  const auto checked =
      check_picture_names(parsed(kFolder, kBlurred,
                                 std::string(kKept) + "  - { name: others, from: [photos], task: write_images, params: "
                                                      "{ path: \"FOLDER/out/{file_stem}.png\" } }\n"));
  ASSERT_FALSE(checked.ok());
  EXPECT_THAT(checked.error().message, HasSubstr("'a.png' by sink 'album' and 'a.png' by sink 'others'"));
  EXPECT_THAT(checked.error().message, HasSubstr("Give each sink a folder of its own"));
}

TEST_F(ResumeTest, SourcesWhoseNamesRunIntoThoseOfTheirPicturesAreToBeSetApart) {
  for (const char* name : {"in/11.jpg", "more/1.jpg"}) write(name, name);
  const auto checked = check_picture_names(
      parsed("{ directory: FOLDER/in }\n  photos1: { directory: FOLDER/more }",
             "  - { name: blur, from: [photos, photos1], task: gaussian_blur, params: { ksize: KSIZE } }\n",
             "  - { name: album, from: [blur], task: write_images, params: { path: "
             "\"FOLDER/out/{source}{file_stem}.png\" } }\n"));
  ASSERT_FALSE(checked.ok());
  EXPECT_THAT(checked.error().message, HasSubstr("'11.jpg' of source 'photos' and '1.jpg' of source 'photos1'"));
  EXPECT_THAT(checked.error().message, HasSubstr("Set {source} apart"));
}

TEST_F(ResumeTest, WhatLiesWhereAnotherTopologyWantedItIsNotDone) {
  write("in/a.jpg", "a");
  made("a.jpg", 0, recipe(simple()));
  const auto elsewhere = parsed(
      kFolder, kBlurred,
      "  - { name: album, from: [blur], task: write_images, params: { path: \"FOLDER/out/blurred-{file}\" } }\n");
  EXPECT_EQ(found(elsewhere, true).done, 0);
  EXPECT_EQ(found(elsewhere, true).otherwise, 1);
}

TEST_F(ResumeTest, ADamagedLogCountsForWhatCanBeRead) {
  for (const char* name : {"a.jpg", "b.jpg"}) write("in/" + std::string(name), name);
  const auto topology = simple();
  made("a.jpg", 0, recipe(topology));
  std::ofstream(log(), std::ios::app) << "ride1\t" << std::string(200'000, 'x') << "\nride1\thalf a li";
  made("b.jpg", 1, recipe(topology));
  EXPECT_EQ(found(topology).done, 2);
}

TEST_F(ResumeTest, WhatAnotherTopologyMadeIsDoneAgainUnlessItIsToCount) {
  write("in/a.jpg", "a");
  write("in/b.jpg", "b");
  const auto topology = simple();
  made("a.jpg", 0, recipe(topology));
  made("b.jpg", 1, recipe(topology));
  const auto other =
      parsed(kFolder, "  - { name: blur, from: [photos], task: gaussian_blur, params: { ksize: 7 } }\n", kKept);
  ASSERT_NE(recipe(topology), recipe(other));
  EXPECT_EQ(found(other).done, 0);
  EXPECT_EQ(found(other).otherwise, 2);
  const auto any = found(other, true);
  EXPECT_EQ(any.done, 2);
  // From then on it is of that topology.
  ASSERT_TRUE(start_logs(other, recipe(other), any).ok());
  EXPECT_EQ(found(other).done, 2);
  EXPECT_EQ(found(topology).done, 0);
}

TEST_F(ResumeTest, HowManyWorkersThereAreIsNoPartOfTheRecipe) {
  const auto more = parsed(
      kFolder,
      "  - { name: blur, from: [photos], task: gaussian_blur, params: { ksize: 5 }, group: { min: 2, max: 4 } }\n",
      kKept);
  EXPECT_EQ(recipe(simple()), recipe(more));
}

TEST_F(ResumeTest, AFileThatAParameterNamesIsPartOfTheRecipe) {
  write("weights.npy", "1");
  const auto topology = parsed(
      kFolder, "  - { name: blur, from: [photos], task: matmul, params: { with: file, file: FOLDER/weights.npy } }\n",
      kKept);
  const auto before = recipe(topology);
  EXPECT_EQ(before, recipe(topology));
  write("weights.npy", "12");
  EXPECT_NE(before, recipe(topology));
}

TEST_F(ResumeTest, OfSuchAFileItsContentCountsAndNotItsTime) {
  write("weights.npy", "1");
  const auto topology = parsed(
      kFolder, "  - { name: blur, from: [photos], task: matmul, params: { with: file, file: FOLDER/weights.npy } }\n",
      kKept);
  const auto before = recipe(topology);
  const auto state = state_of("weights.npy");
  const timespec later[] = {{1'900'000'000, 0}, {1'900'000'000, 0}}, as_before[] = {state.st_atim, state.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (temp_ / "weights.npy").c_str(), later, 0), 0);
  EXPECT_EQ(before, recipe(topology));
  write("weights.npy", "2");
  ASSERT_EQ(::utimensat(AT_FDCWD, (temp_ / "weights.npy").c_str(), as_before, 0), 0);
  EXPECT_NE(before, recipe(topology));
}

TEST_F(ResumeTest, WhereTheNumberIsInTheNameAPictureThatWasMovedByAnotherIsDoneAgain) {
  for (const char* name : {"b.jpg", "c.jpg"}) write("in/" + std::string(name), name);
  const auto by_number = parsed(
      kFolder, kBlurred,
      "  - { name: album, from: [blur], task: write_images, params: { path: \"FOLDER/out/{source}-{seq}.png\" } }\n");
  const auto named = simple();
  made("b.jpg", 0, recipe(named));
  made("c.jpg", 1, recipe(named));
  ASSERT_EQ(found(named).done, 2);
  fs::remove(log());
  made("b.jpg", 0, recipe(by_number), "out/photos-0.png");
  made("c.jpg", 1, recipe(by_number), "out/photos-1.png");
  ASSERT_EQ(found(by_number).done, 2);
  write("in/a.jpg", "a");  // b.jpg has the number 1 now
  EXPECT_EQ(found(by_number).done, 0);
  fs::remove(log());
  made("b.jpg", 0, recipe(simple()));
  EXPECT_EQ(found(simple()).by_source.at("photos"), (DoneItems{{1, "b.jpg"}}));
}

TEST_F(ResumeTest, APictureIsDoneWhenAllOfItsSinksHaveIt) {
  write("in/a.jpg", "a");
  const auto two = parsed(
      kFolder, kBlurred,
      std::string(kKept) +
          "  - { name: small, from: [photos], task: write_images, params: { path: \"FOLDER/small/{file}\" } }\n" +
          "  - { name: bin, from: [blur], task: discard }\n");
  auto line = made("a.jpg", 0, recipe(two));
  EXPECT_EQ(found(two).done, 0);
  line.sink = "small";
  line.from = "photos";
  write("small/a.jpg", "small a");
  line.path = (temp_ / "small/a.jpg").string();
  line.written = file_version(state_of("small/a.jpg"));
  std::ofstream(written_log_path((temp_ / "small/{file}").string(), "t", "small")) << to_text(line);
  EXPECT_EQ(found(two).done, 1);
}

TEST_F(ResumeTest, TheLogsBeginWithWhatIsStillTrue) {
  for (const char* name : {"a.jpg", "b.jpg"}) write("in/" + std::string(name), name);
  const auto topology = simple();
  const auto recipe = this->recipe(topology);
  const auto line = made("a.jpg", 0, recipe);
  made("b.jpg", 1, recipe);
  fs::remove(temp_ / "out/b.jpg");
  ASSERT_TRUE(start_logs(topology, recipe, found(topology)).ok());
  EXPECT_EQ(file_text(log()), to_text(line));
  ASSERT_TRUE(start_logs(topology, recipe, {}).ok());
  EXPECT_EQ(file_text(log()), to_text(line)) << "a run that does all again may be broken off before its first file";
  fs::remove(temp_ / "out/a.jpg");
  ASSERT_TRUE(start_logs(topology, recipe, {}).ok());
  EXPECT_FALSE(fs::exists(log()));
  ASSERT_TRUE(start_logs(topology, recipe, {}).ok());
}

TEST_F(ResumeTest, ARunOfAnotherRecipeThatIsBrokenOffAtOnceForgetsNothing) {
  write("in/a.jpg", "a");
  const auto topology = simple();
  const auto recipe = this->recipe(topology);
  made("a.jpg", 0, recipe);
  ASSERT_TRUE(start_logs(topology, "another", find_done(topology, "another", false).value()).ok());
  EXPECT_EQ(found(topology).done, 1);
}

TEST_F(ResumeTest, TheProducersGetAListForEachSource) {
  DonePictures done;
  done.by_source["photos"] = {{3, "d.jpg"}};
  ASSERT_TRUE(write_done_lists(temp_ / "lists", done).ok());
  EXPECT_EQ(parse_done_items(file_text(temp_ / "lists" / done_list_name("photos"))), (DoneItems{{3, "d.jpg"}}));
}

TEST_F(ResumeTest, WhatCannotBeKnownPictureByPictureIsRefusedByName) {
  EXPECT_EQ(refusal(kFolder, kBlurred, kKept), "");
  EXPECT_THAT(refusal("{ synthetic: { width: 8, height: 8, frames: 3 } }", kBlurred,
                      "  - { name: album, from: [blur], task: write_images, params: { path: \"o/{seq}.png\" } }\n"),
              HasSubstr("source 'photos': it is no folder of pictures"));
  EXPECT_THAT(refusal("{ directory: FOLDER/in, node: far-away }", kBlurred, kKept),
              HasSubstr("lies on the node far-away"));
  EXPECT_THAT(
      refusal(kFolder, "  - { name: blur, from: [photos], task: motion, topic: { partition_by: source } }\n", kKept),
      HasSubstr("stage 'blur': what the task motion makes of a picture depends on the pictures before it"));
  EXPECT_THAT(refusal(kFolder, kBlurred, "  - { name: lines, from: [blur], task: print, params: { path: o.txt } }\n"),
              HasSubstr("sink 'lines': what the sink print has done"));
  EXPECT_THAT(refusal(kFolder, kBlurred, "  - { name: bin, from: [blur], task: discard }\n"),
              HasSubstr("topology 't': it writes no file"));
  EXPECT_THAT(
      refusal(
          kFolder,
          "  - { name: blur, from: [photos], task: gaussian_blur, params: { ksize: 5 }, output: { topic: mine } }\n",
          kKept),
      HasSubstr("it also writes into the topic mine"));
}

}  // namespace
}  // namespace ride::cli
