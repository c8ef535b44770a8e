// A plug-in of the C++ wrapper: parameters of every type, ports, a halo, finish(), exceptions.
#include <algorithm>

#include "ride/opencv.h"
#include "ride/task.h"

namespace {

using ride::sdk::Declaration;
using ride::sdk::Env;
using ride::sdk::Frame;
using ride::sdk::Halo;
using ride::sdk::Output;

struct Options {
  bool invert = false;
  int ksize = 5;
  std::int64_t seed = 1'000'000'000'000;
  double gain = 1.5;
  std::string mode = "plain";
  std::string note = "say \"hi\", \\ \n";
};

const ride::sdk::Params<Options>& params() {
  static const ride::sdk::Params<Options> kParams{
      {"invert", &Options::invert, "Whether"},
      {"ksize", &Options::ksize, "Side", {.min = 1, .max = 201, .odd = true}},
      {"seed", &Options::seed, "Seed"},
      {"gain", &Options::gain, "Factor", {.min = 0, .max = 8}},
      {"mode",
       &Options::mode,
       "What it does",
       {.choices = {"plain", "throw", "throw an int", "retry", "split", "mat", "into", "into another", "four"}}}};
  return kParams;
}

class Wrapped : public ride::sdk::Task {
 public:
  static Declaration declaration() {
    return {.name = "wrapped",
            .doc = "Tries the wrapper.",
            .params = params().specs(),
            .outputs = {"main", "rest"},
            .halo = Halo::of("ksize", 1, 2)};
  }
  void open(const Env& env) override {
    options_ = params().read(env);
    if (options_.seed == 13) throw std::invalid_argument("13 is no good seed");
  }
  void process(const Frame& frame, Output& out) override {
    if (options_.mode == "throw") throw std::runtime_error("thrown on purpose");
    if (options_.mode == "throw an int") throw 3;
    if (options_.mode == "retry") throw ride::sdk::Retry("not yet");
    if (options_.mode == "split") {
      frame.number() % 2 == 0 ? out.pass() : out.pass("rest");
      return;
    }
    frame.expect({ride::sdk::Depth::u8}, {1, 3});
    if (options_.mode == "four") {
      ride::sdk::emit(out, cv::Mat(2, 3, CV_8UC4, cv::Scalar(1, 2, 3, 4)));
      return;
    }
    if (options_.mode == "mat") {
      ride::sdk::emit(out, ride::sdk::mat_of(frame.picture()) + cv::Scalar::all(1));
      return;
    }
    const auto picture = out.allocate_like(frame.picture());
    if (options_.mode.starts_with("into")) {
      auto to = ride::sdk::mat_of(picture);
      const auto from = ride::sdk::mat_of(frame.picture());
      from.convertTo(to, options_.mode == "into" ? from.depth() : CV_32F, 2);
      ride::sdk::emit(out, picture, to);
      return;
    }
    for (int row = 0; row < picture.rows; ++row) {
      const auto* from = frame.picture().row<std::uint8_t>(row);
      auto* to = picture.row<std::uint8_t>(row);
      for (int i = 0; i < picture.values_in_row(); ++i) to[i] = static_cast<std::uint8_t>(255 - from[i]);
    }
    out.emit(picture);
  }

 private:
  Options options_;
};

// Keeps how many frames there were, and says it at the end as a picture of so many columns.
class CountAtEnd : public ride::sdk::Task {
 public:
  static Declaration declaration() { return {.name = "count_at_end", .doc = "One picture for all.", .halo = 0}; }
  void open(const Env&) override {}
  void process(const Frame&, Output&) override { ++frames_; }
  void finish(Output& out) override {
    const auto picture = out.allocate(1, frames_, 1, ride::sdk::Depth::u8);
    for (int i = 0; i < frames_; ++i) picture.row<std::uint8_t>(0)[i] = 1;
    out.emit(picture);
  }

 private:
  int frames_ = 0;
};

// One output and a halo: may work on tiles.
class Shifted : public ride::sdk::Task {
 public:
  struct By {
    int rows = 1;
  };
  static const ride::sdk::Params<By>& by() {
    static const ride::sdk::Params<By> kBy{{"rows", &By::rows, "How far", {.min = 0, .max = 50}}};
    return kBy;
  }
  static Declaration declaration() {
    return {.name = "shifted", .doc = "Moves rows up.", .params = by().specs(), .halo = Halo::of("rows")};
  }
  void open(const Env& env) override { by_ = by().read(env); }
  void process(const Frame& frame, Output& out) override {
    const auto picture = out.allocate_like(frame.picture());
    for (int row = 0; row < picture.rows; ++row) {
      const auto* from = frame.picture().row<std::uint8_t>(std::min(row + by_.rows, picture.rows - 1));
      std::copy_n(from, picture.values_in_row(), picture.row<std::uint8_t>(row));
    }
    out.emit(picture);
  }

 private:
  By by_;
};

class CannotBeMade : public ride::sdk::Task {
 public:
  CannotBeMade() { throw std::runtime_error("the constructor gave up"); }
  static Declaration declaration() { return {.name = "cannot_be_made", .doc = "Throws in its constructor."}; }
  void open(const Env&) override {}
  void process(const Frame&, Output&) override {}
};

}  // namespace

RIDE_PLUGIN(Wrapped, CountAtEnd, Shifted, CannotBeMade)
