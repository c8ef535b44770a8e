#include "test_runner/try_report.h"

#include "common/json.h"

namespace ride::test_runner {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TriedFrame, port, cols, rows, channels, depth, file, attributes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TryReport, error, retriable, frames, milliseconds, peak_bytes, picture, printed)

std::string try_to_json(const TryReport& report) {
  return nlohmann::json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<TryReport> try_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<TryReport>();
  } catch (const nlohmann::json::exception& failure) {
    return Error{ErrorCode::corrupt, std::string("the report of the try cannot be read: ") + failure.what()};
  }
}

}  // namespace ride::test_runner
