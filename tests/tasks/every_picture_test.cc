// Each task of the catalog with pictures of each depth, number of channels and size, none at all, floats that are no
// numbers, and with each parameter at its bounds: it gives a picture or says what is wrong, and goes on.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

constexpr int kDepths[] = {CV_8U, CV_8S, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F, CV_16F};
const std::vector<cv::Size> kTinySizes = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {5, 4}};

ParamValue as_text(const std::string& value) { return value; }

// Why not here.
const std::map<std::string, std::string>& left_out() {
  static const std::map<std::string, std::string> kReasons = {
      {"detect", "needs a network; detect_test.cc gives it such pictures"},
      {"merge", "takes tiles only; split_merge_test.cc gives it some that do not fit"},
      {"python", "needs a file; tests/python gives it such pictures"},
      {"split", "cuts no picture into more parts than it has rows; split_merge_test.cc tries small ones"},
      {"surf", "is part of some builds only; surf_test.cc gives its search such pictures"}};
  return kReasons;
}

// What a task that has no default for everything is opened with.
ParamValues needed_by(const std::string& task, const TempFolder& folder) {
  if (task == "convert_color") return {{"to", as_text("gray")}};
  if (task == "count") return {{"line", as_text("0,0.5,1,0.5")}};
  if (task == "overlay_text") return {{"text", as_text("RIDE {seq}")}};
  if (task == "perspective") return {{"from", as_text("0.2,0.1 0.8,0.2 0.9,0.9 0.1,0.8")}};
  if (task == "print") return {{"path", as_text(folder / "lines.json")}};
  if (task == "resize") return {{"scale", 0.5}};
  if (task == "rotate") return {{"angle", 30.0}};
  if (task == "write_images") return {{"path", as_text(folder / "{source}-{seq}.png")}};
  if (task == "write_video") return {{"path", as_text(folder / "{source}-{segment}.avi")}};
  if (task != "overlay_picture") return {};
  const std::string logo = folder / "logo.png";
  EXPECT_TRUE(cv::imwrite(logo, noise(3, 4, CV_8UC4)));
  return {{"file", as_text(logo)}};
}

// The same, with one parameter at a bound, or at each choice. Not what takes long, or the memory of large results.
std::vector<ParamValues> variants_of(const TaskDecl& task, const ParamValues& needed) {
  static const std::set<std::pair<std::string, std::string>> kNotTried = {
      {"delay", "ms"}, {"resize", "width"}, {"resize", "height"}, {"resize", "scale"}};
  std::vector<ParamValues> variants = {needed};
  for (const ParamSpec& param : task.params) {
    if (kNotTried.contains({task.name, param.name})) continue;
    std::vector<ParamValue> values;
    for (const auto& bound : {param.min, param.max}) {
      if (!bound) continue;
      if (param.type == ParamType::integer) values.emplace_back(static_cast<std::int64_t>(*bound));
      if (param.type == ParamType::number) values.emplace_back(*bound);
    }
    for (const std::string& choice : param.choices) values.emplace_back(choice);
    if (param.type == ParamType::boolean) values.emplace_back(true), values.emplace_back(false);
    for (const ParamValue& value : values) {
      ParamValues one = needed;
      one[param.name] = value;
      if (check_task_params(task, one)) variants.push_back(std::move(one));
    }
  }
  return variants;
}

std::string shown(const TaskDecl& task, const ParamValues& params, const cv::Mat& picture) {
  std::string text = task.name;
  for (const auto& [name, value] : params) text += " " + name + "=" + to_string(value);
  return text + ": " + std::to_string(picture.cols) + "x" + std::to_string(picture.rows) + " type " +
         std::to_string(picture.type());
}

cv::Mat picture_of_type(cv::Size size, int type) {
  const int depth = CV_MAT_DEPTH(type);
  if (CV_MAT_CN(type) <= 4 && (depth == CV_8U || depth == CV_16U || depth == CV_32F))
    return noise(size.height, size.width, type);
  cv::Mat picture = cv::Mat::zeros(size, type);
  picture.reshape(1).setTo(1);
  return picture;
}

class EveryPicture : public testing::TestWithParam<std::string> {
 protected:
  const TaskDecl& declaration() const { return *builtin_tasks().catalog().find(GetParam()); }

  // Whether a picture came out, or the frame was taken; an error has to say where.
  bool takes(Task& task, const ParamValues& params, const cv::Mat& picture) const {
    const std::string where = shown(declaration(), params, picture);
    Frame frame = frame_of(picture);
    frame.attributes["detections"] = R"([{"label":"face","score":1,"box":[0,0,3,2],"track":"0-0"}])";
    KeepingEmitter out;
    Result<void> done;
    EXPECT_NO_THROW(done = task.process(frame, out)) << where;
    if (!done) {
      EXPECT_NE(done.error().message.find("stage 'album', frame gate/3/0: "), std::string::npos)
          << where << ": " << done.error().message;
      EXPECT_FALSE(done.error().retriable) << where;
      EXPECT_TRUE(out.frames.empty()) << where;
      return false;
    }
    for (const auto& [port, frames] : out.frames)
      for (const Frame& one : frames) EXPECT_EQ(one.image.empty(), picture.empty()) << where;
    return true;
  }

  TempFolder folder_;
};

TEST_P(EveryPicture, OfAnyDepthChannelsAndSizeGivesAResultOrSaysWhatIsWrong) {
  for (const ParamValues& params : variants_of(declaration(), needed_by(GetParam(), folder_))) {
    int taken = 0;
    for (const cv::Size size : kTinySizes) {
      auto task = opened(GetParam(), params);
      for (const int depth : kDepths)
        for (const int channels : {1, 2, 3, 4, 5})
          taken += takes(*task, params, picture_of_type(size, CV_MAKETYPE(depth, channels))) ? 1 : 0;
      task->close();
    }
    if (GetParam() != "crop") {  // which refuses a rectangle that the picture does not hold
      EXPECT_GT(taken, 0) << shown(declaration(), params, {}) << " takes no picture at all";
    }
  }
}

TEST_P(EveryPicture, ThatIsNoneIsAnErrorWhereThePictureCounts) {
  const ParamValues params = needed_by(GetParam(), folder_);
  auto task = opened(GetParam(), params);
  // Those that look at no pixel.
  static const std::set<std::string> kTakeIt = {"delay", "discard", "identity", "print", "track"};
  EXPECT_EQ(takes(*task, params, cv::Mat()), kTakeIt.contains(GetParam()));
  task->close();
}

// With values of which no whole number can be made.
TEST_P(EveryPicture, OfFloatsThatAreNoNumbersIsNoCrash) {
  using Limits = std::numeric_limits<float>;
  for (const ParamValues& params : variants_of(declaration(), needed_by(GetParam(), folder_))) {
    auto task = opened(GetParam(), params);
    for (const float value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), Limits::max(), -1e30f}) {
      for (const int channels : {1, 3, 4}) {
        takes(*task, params, cv::Mat(9, 11, CV_32FC(channels), cv::Scalar::all(value)));
        cv::Mat one = noise(9, 11, CV_32FC(channels));
        one.ptr<float>(4)[5] = value;
        takes(*task, params, one);
      }
    }
    task->close();
  }
}

TEST_P(EveryPicture, EvenWindowsAreRefusedByName) {
  for (const ParamSpec& param : declaration().params) {
    if (param.rule_doc.find("odd") == std::string::npos) continue;
    ParamValues params = needed_by(GetParam(), folder_);
    params[param.name] = std::int64_t{4};
    EXPECT_NE(problem(GetParam(), params).find("'" + param.name + "' is 4, but an odd number is needed"),
              std::string::npos)
        << problem(GetParam(), params);
  }
}

std::vector<std::string> tried_tasks() {
  std::vector<std::string> names;
  for (const std::string& name : builtin_tasks().catalog().names()) {
    if (!left_out().contains(name)) names.push_back(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, EveryPicture, testing::ValuesIn(tried_tasks()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace ride::tasks
