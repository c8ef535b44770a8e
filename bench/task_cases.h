// The fixed list of `bench/run tasks`: with which parameters a task is measured, and beside which plain calls. A task
// of the catalog has a case here, or a reason why it has none; tests/bench holds it to that. Values, made at the first
// use; one thread, since plain calls keep what they have loaded.
#pragma once

#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "common/param.h"

namespace ride::bench {

// What somebody would write without RIDE. It may keep what it needs between calls; the first one is not measured.
struct PlainCall {
  std::string what;                                          // "cv::GaussianBlur on 32F"
  std::function<void(const cv::Mat& in, cv::Mat& out)> run;  // `out` is the same in each call
};

inline constexpr double kNotCompared = -1;

struct TaskCase {
  std::string name;  // the task's, with a suffix where it has several
  std::string task;
  ParamValues params = {};
  int type = CV_8UC1;  // of the picture
  std::vector<PlainCall> plain;
  // How far a plain call's picture may be from the task's, in its values: those that are farther do not meet the task's
  // tolerance and do not count. kNotCompared: what is found is no picture.
  double most_off = 0;
  std::function<std::string(int side)> detections = nullptr;  // the attribute, for tasks that read it
};

const std::vector<TaskCase>& task_cases();
const std::map<std::string, std::string>& tasks_without_case();  // by name: why

// The parts of the list, by file.
std::vector<TaskCase> filter_cases();
std::vector<TaskCase> color_cases();
std::vector<TaskCase> geometry_cases();
std::vector<TaskCase> drawing_cases();
std::vector<TaskCase> finder_cases();

// A made picture like a photo: areas, edges, fine noise; always the same for a side and a type (8U).
cv::Mat sample_picture(int side, int type);

}  // namespace ride::bench
