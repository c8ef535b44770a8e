#include "tests/python/python_script.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/file_text.h"
#include "common/log.h"
#include "process/proc.h"

namespace ride::tasks {

namespace {

// Debian's Python has numpy (scripts/install-deps --tests); one that stands before it may not.
[[maybe_unused]] const int kDebiansFirst = ::setenv("PATH", "/usr/bin:/bin", 1);

}  // namespace

PythonScript::PythonScript(const std::string& text, ParamValues more) : params_(std::move(more)) {
  std::ofstream(folder_ / "test.py") << text;
  params_["file"] = folder_ / "test.py";
}

PythonScript::~PythonScript() { close(); }

Task& PythonScript::task() {
  if (!task_) {
    task_ = opened("python", params_);
    init_logging("python_test", LogLevel::info);
  }
  return *task_;
}

void PythonScript::close() {
  if (task_) task_->close();
  task_.reset();
}

std::string PythonScript::error_of(const Frame& frame) {
  KeepingEmitter out;
  const auto done = process(frame, out);
  if (done.ok()) return "";
  EXPECT_TRUE(out.frames.empty()) << "nothing of a frame that fails goes on";
  return done.error().message;
}

void PythonScript::expect_delivered(const Frame& frame, const cv::Mat& wanted) {
  KeepingEmitter out;
  const auto done = process(frame, out);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(largest_difference(out.only().image, wanted), 0);
  EXPECT_EQ(out.only().id, frame.id);
}

std::string PythonScript::open_error() {
  auto task = builtin_tasks().find("python")->make();
  const auto done = task->open(env_for("python", params_));
  task->close();
  return done.ok() ? "" : done.error().message;
}

std::string script_of(const std::string& process) {
  std::string text =
      "import ctypes, os, signal, subprocess, sys, time\nimport numpy as np\n\nclass Test:\n    def process(self, "
      "frame, out):\n";
  std::istringstream lines(process);
  for (std::string line; std::getline(lines, line);) text += "        " + line + "\n";
  return text;
}

std::string logged_by(const std::function<void()>& what) {
  testing::internal::CaptureStderr();
  what();
  return testing::internal::GetCapturedStderr();
}

ParamValue text(const std::string& value) { return value; }

std::vector<int> python_processes() {
  const std::string mark = "RIDE_PYTHON_CHILD=" + std::to_string(getpid()) + "-";
  std::vector<int> found;
  for (const pid_t pid : process::all_processes()) {
    const std::string environment = file_text("/proc/" + std::to_string(pid) + "/environ");
    const auto stat = process::read_stat(pid);
    if (environment.find(mark) != std::string::npos && stat && !stat->ended()) found.push_back(pid);
  }
  for (const pid_t pid : process::descendants_of(getpid())) found.push_back(pid);
  return found;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace ride::tasks
