#include "bench/task_cases.h"

#include <opencv2/imgproc.hpp>

namespace ride::bench {

const std::vector<TaskCase>& task_cases() {
  static const std::vector<TaskCase> kCases = [] {
    std::vector<TaskCase> all;
    for (auto part : {filter_cases, color_cases, geometry_cases, drawing_cases, finder_cases})
      for (TaskCase& one : part()) all.push_back(std::move(one));
    return all;
  }();
  return kCases;
}

const std::map<std::string, std::string>& tasks_without_case() {
  static const std::map<std::string, std::string> kReasons = {
      {"count", "reads the attribute 'detections', no pixels"},
      {"delay", "takes the time that it is told"},
      {"detect", "needs a network that is fetched: bench/run detect"},
      {"discard", "is a sink that takes the frame and nothing else"},
      {"identity", "passes the frame on"},
      {"merge", "needs the tiles of a split: bench/run stripes"},
      {"print", "is a sink that writes text"},
      {"python", "runs what its file says: bench/run python"},
      {"split", "cuts for a merge: bench/run stripes"},
      {"surf", "is part of builds with RIDE_SURF only"},
      {"track", "reads the attribute 'detections', no pixels"},
      {"write_images", "is a sink: the disk decides"},
      {"write_video", "is a sink: the disk decides"},
  };
  return kReasons;
}

cv::Mat sample_picture(int side, int type) {
  cv::RNG random(7);
  const int coarse = std::max(2, side / 32);
  cv::Mat areas(coarse, coarse, type), picture, fine(side, side, type);
  random.fill(areas, cv::RNG::UNIFORM, cv::Scalar::all(30), cv::Scalar::all(200));
  cv::resize(areas, picture, cv::Size(side, side), 0, 0, cv::INTER_LINEAR);
  for (int i = 0; i < 40; ++i) {
    const auto place = [&] { return random.uniform(0, side); };
    const cv::Scalar color(random.uniform(0, 256), random.uniform(0, 256), random.uniform(0, 256), 255);
    const cv::Point at(place(), place());
    if (i % 2 == 0)
      cv::circle(picture, at, random.uniform(1, side / 12 + 2), color, cv::FILLED);
    else
      cv::rectangle(picture, cv::Rect(at, cv::Size(side / 15 + 1, side / 9 + 1)), color, cv::FILLED);
  }
  random.fill(fine, cv::RNG::UNIFORM, cv::Scalar::all(0), cv::Scalar::all(13));
  cv::add(picture, fine, picture);
  return picture;
}

}  // namespace ride::bench
