// What `bench/run plugin` measures: tasks of a plug-in that do what built-in ones do, by the SDK.
#include <opencv2/imgproc.hpp>

#include "ride/opencv.h"
#include "ride/task.h"

namespace {

using ride::sdk::Declaration;
using ride::sdk::Env;
using ride::sdk::Frame;
using ride::sdk::Output;

// As `identity`.
class CppNoop : public ride::sdk::Task {
 public:
  static Declaration declaration() { return {.name = "cpp_noop", .doc = "Passes each frame on as it came."}; }
  void open(const Env&) override {}
  void process(const Frame&, Output& out) override { out.pass(); }
};

struct Options {
  int ksize = 5;
};

const ride::sdk::Params<Options>& params() {
  static const ride::sdk::Params<Options> kParams{
      {"ksize", &Options::ksize, "Side of the square window, in pixels", {.min = 1, .max = 201, .odd = true}}};
  return kParams;
}

// As `box_blur`.
class CppBoxBlur : public ride::sdk::Task {
 public:
  static Declaration declaration() {
    return {.name = "cpp_box_blur", .doc = "Smooths with the mean of a square window.", .params = params().specs()};
  }
  void open(const Env& env) override { options_ = params().read(env); }
  void process(const Frame& frame, Output& out) override {
    frame.expect({ride::sdk::Depth::u8, ride::sdk::Depth::u16});
    const auto blurred = out.allocate_like(frame.picture());
    cv::Mat to = ride::sdk::mat_of(blurred);
    cv::blur(ride::sdk::mat_of(frame.picture()), to, cv::Size(options_.ksize, options_.ksize), cv::Point(-1, -1),
             cv::BORDER_REFLECT_101);
    out.emit(blurred);
  }

 private:
  Options options_;
};

}  // namespace

RIDE_PLUGIN(CppNoop, CppBoxBlur)
