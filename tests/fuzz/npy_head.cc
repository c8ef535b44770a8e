// The head of a NumPy file that a topology names: a size within the limits, or an error.
#include "common/check.h"
#include "tests/fuzz/records.h"
#include "worker/tasks/npy_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const auto head = tasks::parse_npy_head(fuzz::as_text(data, size));
  if (!head.ok()) {
    RIDE_CHECK(!head.error().message.empty(), "an error without a cause");
    return 0;
  }
  const auto is_side = [](std::int64_t side) { return side >= 1 && side <= tasks::kMostNpySide; };
  RIDE_CHECK(is_side(head->rows) && is_side(head->cols), "a side that is not allowed");
  RIDE_CHECK(head->value_bytes == 4 || head->value_bytes == 8, "values of another size");
  RIDE_CHECK(head->data_bytes() <= 2 * tasks::kMostNpyBytes, "a matrix that is too large");
  RIDE_CHECK(head->data_at <= static_cast<std::int64_t>(size), "values that begin behind the end");
  return 0;
}
