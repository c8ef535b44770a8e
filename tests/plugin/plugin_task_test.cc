// Tasks of plug-ins as a worker runs them: what goes in and comes out, and each way of breaking the contract.
#include "plugin/plugin_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <opencv2/core.hpp>

#include "plugin/plugin_tasks.h"
#include "tests/support/temp_folder.h"

namespace ride::plugin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string plugin_file(const std::string& name) { return std::string(RIDE_PLUGINS) + "/" + name + ".so"; }

class Kept final : public tasks::Emitter {
 public:
  void emit(Frame frame) override { emit("", std::move(frame)); }
  void emit(const std::string& port, Frame frame) override { frames[port].push_back(std::move(frame)); }
  cv::Mat allocate(int rows, int cols, int type) override {
    if (no_memory) throw std::bad_alloc();
    allocated.emplace_back(rows, cols, type);
    return allocated.back();
  }
  void progress() override {}

  std::map<std::string, std::vector<Frame>> frames;  // "": the default port
  std::vector<cv::Mat> allocated;
  bool no_memory = false;
};

Frame frame_of(const cv::Mat& image, std::int64_t number = 0) {
  Frame frame;
  frame.id = {"gate", SessionId{3}, number};
  frame.image = image;
  frame.attributes["detections"] = "[]";
  return frame;
}

class PluginTasks : public ::testing::Test {
 protected:
  static const tasks::TaskRegistry& registry() {
    static const auto* const kTasks = new tasks::TaskRegistry(
        with_plugins(tasks::builtin_tasks(), {plugin_file("contract_fault"), plugin_file("wrapped")}).value());
    return *kTasks;
  }
  Result<void> open(const std::string& name, const ParamValues& given) {
    const auto* type = registry().find(name);
    auto checked = check_task_params(type->declaration, given);
    if (!checked.ok()) return checked.error();
    task_ = type->make();
    return task_->open({.params = *checked, .job = "job", .stage = "people"});
  }
  // Of the plug-in that breaks the contract.
  Error failure(const std::string& act) {
    if (auto opened = open("faulty", {{"do", act}}); !opened.ok()) return opened.error();
    auto done = task_->process(frame_of(image_), out_);
    return done.ok() ? Error{ErrorCode::internal, "nothing failed"} : done.error();
  }
  void TearDown() override {
    if (task_) task_->close();
  }

  const cv::Mat image_{cv::Mat(4, 6, CV_8UC3, cv::Scalar(10, 20, 30))};
  Kept out_;
  std::unique_ptr<tasks::Task> task_;
};

TEST_F(PluginTasks, PicturesComeOutOfThePoolWithTheIdentityOfTheirFrame) {
  ASSERT_TRUE(open("wrapped", {}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_, 42), out_).ok());
  ASSERT_EQ(out_.frames[""].size(), 1U);
  const Frame& frame = out_.frames[""].front();
  EXPECT_EQ(to_string(frame.id), "gate/3/42");
  EXPECT_EQ(frame.attributes.at("detections"), "[]");
  EXPECT_EQ(frame.image.data, out_.allocated.front().data) << "not copied";
  EXPECT_EQ(cv::norm(frame.image, cv::Mat(4, 6, CV_8UC3, cv::Scalar(245, 235, 225)), cv::NORM_INF), 0);
}

TEST_F(PluginTasks, AViewIntoALargerPictureIsReadByItsStep) {
  cv::Mat large(40, 60, CV_8UC3, cv::Scalar::all(0));
  cv::Mat view = large(cv::Rect(7, 9, 6, 4));
  view.setTo(cv::Scalar(10, 20, 30));
  ASSERT_TRUE(open("wrapped", {}).ok());
  ASSERT_TRUE(task_->process(frame_of(view), out_).ok());
  EXPECT_EQ(cv::norm(out_.frames[""].front().image, cv::Mat(4, 6, CV_8UC3, cv::Scalar(245, 235, 225)), cv::NORM_INF),
            0);
}

TEST_F(PluginTasks, FramesArePassedOnWithoutACopyToThePortThatIsNamed) {
  ASSERT_TRUE(open("wrapped", {{"mode", std::string("split")}}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_, 0), out_).ok());
  ASSERT_TRUE(task_->process(frame_of(image_, 1), out_).ok());
  ASSERT_EQ(out_.frames[""].size(), 1U);
  ASSERT_EQ(out_.frames["rest"].size(), 1U);
  EXPECT_EQ(out_.frames["rest"].front().image.data, image_.data);
  EXPECT_TRUE(out_.allocated.empty());
}

TEST_F(PluginTasks, AnOwnMatIsCopied) {
  ASSERT_TRUE(open("wrapped", {{"mode", std::string("mat")}}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_), out_).ok());
  EXPECT_EQ(out_.frames[""].front().image.at<cv::Vec3b>(0, 0), cv::Vec3b(11, 21, 31));
}

TEST_F(PluginTasks, APictureThatOpencvDidNotWriteIntoIsNotSentOn) {
  ASSERT_TRUE(open("wrapped", {{"mode", std::string("into")}}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_), out_).ok());
  EXPECT_EQ(out_.frames[""].front().image.at<cv::Vec3b>(0, 0), cv::Vec3b(20, 40, 60));
  EXPECT_EQ(out_.frames[""].front().image.data, out_.allocated.front().data) << "not copied";
  out_.frames.clear();
  ASSERT_TRUE(open("wrapped", {{"mode", std::string("into another")}}).ok());
  const auto failed = task_->process(frame_of(image_), out_);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("another size or type than the picture that was allocated"));
  EXPECT_TRUE(out_.frames.empty());
}

TEST_F(PluginTasks, WhatIsHeldBackComesAtTheEnd) {
  ASSERT_TRUE(open("count_at_end", {}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_, 5), out_).ok());
  ASSERT_TRUE(task_->process(frame_of(image_, 6), out_).ok());
  EXPECT_TRUE(out_.frames.empty());
  ASSERT_TRUE(task_->finish(out_).ok());
  ASSERT_EQ(out_.frames[""].size(), 1U);
  EXPECT_EQ(out_.frames[""].front().image.cols, 2);
  EXPECT_EQ(out_.frames[""].front().id.number, 6);
}

TEST_F(PluginTasks, AnEndWithoutAFrameHasNoPlaceForAPicture) {
  ASSERT_TRUE(open("count_at_end", {}).ok());
  const auto finished = task_->finish(out_);
  ASSERT_FALSE(finished.ok());
  EXPECT_THAT(finished.error().message, HasSubstr("a picture of 0x1 pixels"));
}

TEST_F(PluginTasks, ExceptionsOfWrappedTasksAreTheirErrors) {
  const auto failed = [&](const ParamValues& params) {
    auto done = open("wrapped", params);
    if (done.ok()) done = task_->process(frame_of(image_, 7), out_);
    return done.ok() ? Error{} : done.error();
  };
  EXPECT_EQ(failed({{"mode", std::string("throw")}}).message, "stage 'people', frame gate/3/7: thrown on purpose");
  EXPECT_THAT(failed({{"mode", std::string("throw an int")}}).message, HasSubstr("no std::exception"));
  EXPECT_EQ(failed({{"seed", std::int64_t{13}}}).message, "13 is no good seed");
  const auto retry = failed({{"mode", std::string("retry")}});
  EXPECT_TRUE(retry.retriable);
  EXPECT_THAT(retry.message, HasSubstr("not yet"));
  const auto unmade = open("cannot_be_made", {});
  ASSERT_FALSE(unmade.ok());
  EXPECT_EQ(unmade.error().message, "the constructor gave up");
}

TEST_F(PluginTasks, APictureThatATaskDoesNotTakeIsRefusedAsBuiltInOnesDoIt) {
  ASSERT_TRUE(open("wrapped", {}).ok());
  auto done = task_->process(frame_of(cv::Mat(4, 6, CV_32FC1, cv::Scalar(0))), out_);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("a picture of 32F is not supported here; allowed: 8U"));
  done = task_->process(frame_of(cv::Mat(4, 6, CV_8UC4, cv::Scalar(0))), out_);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("a picture of 4 channels is not supported here; allowed: 1, 3"));
  done = task_->process(frame_of({}), out_);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("the picture is empty"));
}

TEST_F(PluginTasks, EachBreachOfTheContractIsAnErrorThatNamesIt) {
  const std::map<std::string, std::string> kBreaches = {
      {"open: throw", "an exception left the plug-in in open (it must catch its own): no camera"},
      {"open: throw an int", "an exception left the plug-in in open (it must catch its own): of an unknown type"},
      {"open: unknown parameter", "breaks its contract in open(): it asks for the parameter 'tims'"},
      {"open: parameter of another type", "the parameter 'times' as another type than the integer"},
      {"open: value to nowhere", "it asks for the parameter 'times' without a place for its value"},
      {"open: text to nowhere", "it asks for the parameter 'do' without a place for its value"},
      {"open: allocate", "it allocates a picture in open()"},
      {"open: emit", "it emits in open()"},
      {"open: pass", "it passes on a frame outside of process()"},
      {"throw", "an exception left the plug-in in process (it must catch its own): out of luck"},
      {"throw an int", "of an unknown type"},
      {"status", "process() returned 42, which is no status"},
      {"allocate huge", "a picture of 2000000000x2000000000 pixels"},
      {"allocate wide", "a picture of 40000x40000 pixels of 4 channels, above the 4 GiB that a frame may have"},
      {"allocate none", "a picture of 10x0 pixels"},
      {"allocate negative", "a picture of 10x-5 pixels"},
      {"allocate five channels", "5 channels; 1 to 4"},
      {"allocate another depth", "depth 99"},
      {"allocate into nothing", "without a RidePicture whose size is set"},
      {"allocate for ever", "more than 4096 pictures"},
      {"emit larger", "another size, type or step"},
      {"emit another type", "another size, type or step"},
      {"emit another step", "another size, type or step"},
      {"emit a part", "that allocate() did not give it"},
      {"emit the input", "pass() sends on the input"},
      {"emit null", "without a RidePicture"},
      {"emit of no size", "without a RidePicture"},
      {"emit to a wrong port", "the output 'sidee', and declares out, side"},
      {"emit to a null port", "the output ''"},
      {"emit to an endless port", "and declares out, side"}};
  for (const auto& [act, why] : kBreaches) {
    EXPECT_THAT(failure(act).message, HasSubstr(why)) << act;
    EXPECT_TRUE(out_.frames.empty()) << act;
  }
}

// It would be filtered, as if it had been looked at.
TEST_F(PluginTasks, AFrameWithoutMemoryIsNotLostWhereThePluginDoesNotLook) {
  out_.no_memory = true;
  const auto failed = failure("allocate what it may");
  EXPECT_EQ(failed.code, ErrorCode::resource_exhausted);
  EXPECT_THAT(failed.message, HasSubstr("no memory for what the plug-in asks for in process()"));
  out_.no_memory = false;
  EXPECT_TRUE(task_->process(frame_of(image_), out_).ok()) << "the next one";
}

TEST_F(PluginTasks, FailuresThatAreAllowedAreToldInThePluginsOwnWords) {
  EXPECT_EQ(failure("open: fail").message, "the licence\\nhas expired");
  EXPECT_THAT(failure("open: fail without a word").message, HasSubstr("does not say why"));
  const auto failed = failure("fail");
  EXPECT_EQ(failed.message, "stage 'people', frame gate/3/0: too dark");
  EXPECT_FALSE(failed.retriable);
  EXPECT_TRUE(failure("retry").retriable);
  EXPECT_LT(failure("talk").message.size(), 2200U);
  EXPECT_THAT(failure("null words").message, HasSubstr("does not say why"));
}

TEST_F(PluginTasks, AFrameMayBeFilteredOrGoBothWays) {
  EXPECT_EQ(failure("filter").message, "nothing failed");
  EXPECT_TRUE(out_.frames.empty());
  EXPECT_EQ(failure("emit on both").message, "nothing failed");
  EXPECT_EQ(out_.frames[""].size(), 1U);
  EXPECT_EQ(out_.frames["side"].size(), 1U);
}

TEST_F(PluginTasks, ATaskThatNeverOpenedMayBeClosed) {
  registry().find("wrapped")->make()->close();
  registry().find("faulty")->make()->close();
}

TEST_F(PluginTasks, TheHeaderIsPlainC) {
  if (std::system("cc --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no C compiler";
  test::TempFolder folder("plugin");
  const auto built = (folder / "plain.so").string();
  const std::string command =
      "cc -std=c99 -Wall -Wextra -Werror -pedantic -shared -fPIC -I " RIDE_SDK_INCLUDE " " RIDE_PLAIN_C " -o " + built;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const auto loaded = with_plugins(tasks::builtin_tasks(), {built});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  task_ = loaded->find("plain")->make();
  ASSERT_TRUE(task_->open({}).ok());
  ASSERT_TRUE(task_->process(frame_of(image_), out_).ok());
  EXPECT_EQ(out_.frames[""].front().image.data, image_.data);
}

}  // namespace
}  // namespace ride::plugin
