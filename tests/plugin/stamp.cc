// Two builds of it are two versions of one plug-in: each picture becomes its VERSION. What a version says is a symbol
// that the loader keeps once in a process: where both were loaded, the second would say what the first does.
#include <algorithm>

#include "ride/task.h"

__attribute__((visibility("default"))) inline int& version_of_stamp() {
  static int version = VERSION;
  return version;
}

namespace {

using ride::sdk::Declaration;
using ride::sdk::Env;
using ride::sdk::Frame;
using ride::sdk::Output;

class Stamp : public ride::sdk::Task {
 public:
  static Declaration declaration() { return {.name = "stamp", .doc = "Each picture becomes one number."}; }
  void open(const Env&) override {}
  void process(const Frame& frame, Output& out) override {
    const auto picture = out.allocate_like(frame.picture());
    for (int row = 0; row < picture.rows; ++row)
      std::fill_n(picture.row<std::uint8_t>(row), picture.values_in_row(),
                  static_cast<std::uint8_t>(version_of_stamp()));
    out.emit(picture);
  }
};

}  // namespace

RIDE_PLUGIN(Stamp)
