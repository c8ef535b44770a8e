// A Python file in a folder of its own, and the task opened with it as a worker opens it. What its process prints is
// logged on standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/tasks/harness.h"

namespace ride::tasks {

class PythonScript {
 public:
  // `text`: the whole file, "test.py".
  explicit PythonScript(const std::string& text, ParamValues more = {});
  ~PythonScript();

  const ParamValues& params() const { return params_; }
  std::string operator/(const std::string& name) const { return folder_ / name; }

  Task& task();  // opened at the first call
  void close();
  Result<void> process(const Frame& frame, KeepingEmitter& out) { return task().process(frame, out); }
  std::string error_of(const Frame& frame);  // "" where there is none
  // The frame goes through and comes out once, with these values.
  void expect_delivered(const Frame& frame, const cv::Mat& wanted);
  std::string open_error();

 private:
  TempFolder folder_;
  ParamValues params_;
  std::unique_ptr<Task> task_;
};

// The lines of a method process(self, frame, out), within a class.
std::string script_of(const std::string& process);

// What is written on standard error meanwhile.
std::string logged_by(const std::function<void()>& what);

ParamValue text(const std::string& value);

// Numbers of the processes that this one has started, directly or not, and of those that have left it.
std::vector<int> python_processes();
std::size_t open_descriptors();

}  // namespace ride::tasks
