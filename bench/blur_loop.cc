// The plain loop beside `ride run`: one process, one OpenCV thread, each picture of a folder read, blurred and written,
// one after the other; nothing is synced, and what is no picture is left out. ride-bench-blur IN OUT KSIZE QUALITY
// [task]: with `task`, blurred by RIDE's own task gaussian_blur instead of cv::GaussianBlur. Prints the seconds from
// the first picture to the last.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "worker/tasks/task_registry.h"

namespace {

namespace fs = std::filesystem;
using ride::tasks::Task;

class Keeper : public ride::tasks::Emitter {
 public:
  void emit(ride::Frame frame) override { image = frame.image; }
  void emit(const std::string& /*port*/, ride::Frame frame) override { image = frame.image; }
  cv::Mat allocate(int rows, int cols, int type) override { return cv::Mat(rows, cols, type); }
  void progress() override {}
  cv::Mat image;
};

std::unique_ptr<Task> open_blur(std::int64_t ksize) {
  const auto* type = ride::tasks::builtin_tasks().find("gaussian_blur");
  auto params = ride::check_task_params(type->declaration, {{"ksize", ksize}});
  auto task = type->make();
  if (!params.ok() || !task->open({.params = *params, .job = "bench", .stage = "blur", .worker = "loop"}).ok())
    return nullptr;
  return task;
}

cv::Mat blurred_by(Task& task, const cv::Mat& image) {
  ride::Frame frame;
  frame.image = image;
  Keeper keeper;
  return task.process(frame, keeper).ok() ? keeper.image : cv::Mat();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  cv::setNumThreads(1);
  const int ksize = std::atoi(argv[3]), quality = std::atoi(argv[4]);
  const auto task = argc > 5 ? open_blur(ksize) : nullptr;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(argv[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& file : files) {
    const cv::Mat image = cv::imread(file.string());
    if (image.empty()) {
      std::fprintf(stderr, "%s is no picture: left out\n", file.filename().c_str());
      continue;
    }
    cv::Mat blurred;
    if (task)
      blurred = blurred_by(*task, image);
    else
      cv::GaussianBlur(image, blurred, cv::Size(ksize, ksize), 0);
    if (!cv::imwrite((fs::path(argv[2]) / file.filename()).string(), blurred, {cv::IMWRITE_JPEG_QUALITY, quality}))
      return 1;
  }
  std::printf("{\"seconds\": %.6f}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return 0;
}
