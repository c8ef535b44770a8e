// vignette: darkens a picture towards its corners. A plug-in of one task, with the SDK alone.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "ride/task.h"

namespace {

using ride::sdk::Depth;

struct Options {
  double strength = 0.5;  // the default stands here
  double radius = 0.4;
};

const ride::sdk::Params<Options>& params() {
  static const ride::sdk::Params<Options> kParams{
      {"strength",
       &Options::strength,
       "0 leaves the picture as it is, 1 makes the corners black",
       {.min = 0, .max = 1}},
      {"radius",
       &Options::radius,
       "Up to this distance from the middle nothing is darkened; 1 is that of the corners",
       {.min = 0, .max = 0.99}}};
  return kParams;
}

class Vignette : public ride::sdk::Task {
 public:
  static ride::sdk::Declaration declaration() {
    return {.name = "vignette",
            .doc = "Darkens a picture towards its corners. Takes pictures of any depth; depth and channels unchanged.",
            .params = params().specs()};
  }

  void open(const ride::sdk::Env& env) override { options_ = params().read(env); }

  void process(const ride::sdk::Frame& frame, ride::sdk::Output& out) override {
    const auto& in = frame.picture();
    if (in.rows != rows_ || in.cols != cols_) shade_for(in.rows, in.cols);
    const auto dark = out.allocate_like(in);
    switch (in.depth) {
      case Depth::u8:
        darken<std::uint8_t>(in, dark);
        break;
      case Depth::u16:
        darken<std::uint16_t>(in, dark);
        break;
      case Depth::f32:
        darken<float>(in, dark);
        break;
    }
    out.emit(dark);
  }

 private:
  // How much of each pixel is left.
  void shade_for(int rows, int cols) {
    shade_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    const double middle_row = (rows - 1) / 2.0, middle_col = (cols - 1) / 2.0;
    const double corner = std::max(std::hypot(middle_row, middle_col), 1.0);
    auto at = shade_.begin();
    for (int row = 0; row < rows; ++row)
      for (int col = 0; col < cols; ++col) {
        const double away = std::hypot(row - middle_row, col - middle_col) / corner;
        const double beyond = std::max(0.0, (away - options_.radius) / (1 - options_.radius));
        *at++ = static_cast<float>(1 - options_.strength * beyond * beyond);
      }
    rows_ = rows, cols_ = cols;
  }

  template <class Value>
  void darken(const ride::sdk::Picture& in, const ride::sdk::OutPicture& out) const {
    auto shade = shade_.begin();
    for (int row = 0; row < in.rows; ++row) {
      const Value* from = in.row<Value>(row);
      Value* to = out.row<Value>(row);
      for (int col = 0; col < in.cols; ++col, ++shade)
        for (int channel = 0; channel < in.channels; ++channel)
          *to++ = static_cast<Value>(static_cast<float>(*from++) * *shade);
    }
  }

  Options options_;
  int rows_ = 0, cols_ = 0;
  std::vector<float> shade_;  // of pictures of this size
};

}  // namespace

RIDE_PLUGIN(Vignette)
