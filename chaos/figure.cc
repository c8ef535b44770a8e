#include "chaos/figure.h"

#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "chaos/plot.h"
#include "common/cause.h"

namespace ride::chaos {

cv::Mat draw(const Timeline& timeline, const std::string& title) {
  const double middle = std::chrono::duration<double>(timeline.width).count() / 2;
  const double seconds = std::chrono::duration<double>(timeline.end - timeline.begin).count();
  PlotPanel rate{.label = "frames processed per s", .curves = {{"", kPlotBlue, {}}}};
  PlotPanel late{.label = "capture to result, ms", .curves = {{"", kPlotGreen, {}}}};
  for (const auto& slice : timeline.slices) {
    rate.curves[0].points.emplace_back(slice.begin_s + middle, slice.frames_per_second);
    late.curves[0].points.emplace_back(slice.begin_s + middle, slice.worst_late_ms);
  }
  for (const auto& mark : timeline.marks) {
    const double second = std::chrono::duration<double>(mark.at - timeline.begin).count();
    if (second < 0 || second > seconds) continue;
    rate.marks.push_back({second, mark.label});
    late.marks.push_back({second, ""});
  }
  return plot(title, seconds, {rate, late});
}

Result<void> write_picture(const cv::Mat& picture, const std::filesystem::path& file) {
  bool written = false;
  try {
    written = cv::imwrite(file.string(), picture);
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::internal, "cannot write " + file.string() + ": " + cause_of(error)};
  }
  if (!written) return Error{ErrorCode::permission, "cannot write " + file.string()};
  return {};
}

Result<void> write_table(const std::string& csv, const std::filesystem::path& file) {
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed)
    return Error{ErrorCode::permission,
                 "cannot make the folder " + file.parent_path().string() + ": " + failed.message()};
  std::ofstream out(file);
  out << csv;
  out.close();
  if (!out) return Error{ErrorCode::permission, "cannot write " + file.string()};
  return {};
}

Result<void> write_figure(const Timeline& timeline, const std::string& title, const std::filesystem::path& folder,
                          const std::string& name) {
  RIDE_TRY(write_table(to_csv(timeline), folder / (name + ".csv")));
  return write_picture(draw(timeline, title), folder / (name + ".png"));
}

}  // namespace ride::chaos
