#include "test_runner/try_report.h"

#include "common/json.h"

namespace ride::test_runner {

std::string try_to_json(const TryReport& report) {
  auto frames = nlohmann::json::array();
  for (const auto& frame : report.frames)
    frames.push_back({{"port", frame.port},
                      {"cols", frame.cols},
                      {"rows", frame.rows},
                      {"channels", frame.channels},
                      {"depth", frame.depth},
                      {"file", frame.file},
                      {"attributes", frame.attributes}});
  const nlohmann::json object = {{"error", report.error},
                                 {"retriable", report.retriable},
                                 {"frames", frames},
                                 {"milliseconds", report.milliseconds},
                                 {"peak_bytes", report.peak_bytes},
                                 {"picture", report.picture}};
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<TryReport> try_from_json(const std::string& text) {
  try {
    const auto object = nlohmann::json::parse(text);
    TryReport report;
    object.at("error").get_to(report.error);
    object.at("retriable").get_to(report.retriable);
    object.at("milliseconds").get_to(report.milliseconds);
    object.at("peak_bytes").get_to(report.peak_bytes);
    object.at("picture").get_to(report.picture);
    for (const auto& one : object.at("frames")) {
      TriedFrame frame;
      one.at("port").get_to(frame.port);
      one.at("cols").get_to(frame.cols);
      one.at("rows").get_to(frame.rows);
      one.at("channels").get_to(frame.channels);
      one.at("depth").get_to(frame.depth);
      one.at("file").get_to(frame.file);
      one.at("attributes").get_to(frame.attributes);
      report.frames.push_back(std::move(frame));
    }
    return report;
  } catch (const nlohmann::json::exception& failure) {
    return Error{ErrorCode::corrupt, std::string("the report of the try cannot be read: ") + failure.what()};
  }
}

}  // namespace ride::test_runner
