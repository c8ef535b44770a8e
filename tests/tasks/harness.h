// What the task tests share: tasks opened as a worker opens them, frames whose pixels are read-only memory, an emitter
// that keeps what it gets, a folder that is removed.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/tasks/task_registry.h"

namespace ride::tasks {

class KeepingEmitter : public Emitter {
 public:
  void emit(Frame frame) override { emit("out", std::move(frame)); }
  void emit(const std::string& port, Frame frame) override { frames[port].push_back(std::move(frame)); }
  cv::Mat allocate(int rows, int cols, int type) override;
  void progress() override { ++progress_calls; }
  bool hold(const std::string& group) override;
  void release(const std::string& group) override { held.erase(group); }

  const Frame& only() const;  // the one frame emitted to the default port
  bool was_allocated(const cv::Mat& image) const;

  std::map<std::string, std::vector<Frame>> frames;
  std::vector<cv::Mat> allocated;
  int progress_calls = 0;
  bool can_hold = false;
  std::map<std::string, int> held;  // group → frames
};

TaskEnv env_for(const std::string& task, const ParamValues& params = {});  // checked against the catalog
// Opened; the test fails when that fails.
std::unique_ptr<Task> opened(const std::string& task, const ParamValues& params = {});
Result<void> try_open(const std::string& task, const ParamValues& params);

// A copy of the picture in memory that faults when written to.
cv::Mat read_only(const cv::Mat& image, std::shared_ptr<const void>& owner);
Frame frame_of(const cv::Mat& image, std::int64_t number = 0, const std::string& source = "gate");
Frame with_bytes(Frame frame, std::vector<std::uint8_t> bytes, const std::string& content_type);

// One frame through a task; the test fails unless it comes out as one frame.
cv::Mat run(const std::string& task, const ParamValues& params, const cv::Mat& image);
std::string error_of(const std::string& task, const ParamValues& params, const Frame& frame);

cv::Mat noise(int rows, int cols, int type, int seed = 1);  // whole value range of the depth
double largest_difference(const cv::Mat& a, const cv::Mat& b);
int count_of(const cv::Mat& image, double value);  // values of all channels that equal it

// Sizes that a filter must stand: of one pixel, row or column, smaller than its window, and odd ones.
inline const std::vector<cv::Size> kSizes = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {17, 13}, {64, 48}};

// For references straight from a definition, in doubles, without OpenCV. The value of a pixel of 8U or 16U; outside the
// picture that of its mirror image (reflect101).
double value_at(const cv::Mat& image, int y, int x, int channel);

// A picture of a size and type (8U, 16U), of values (row, column, channel) that are rounded and cut at the type's
// range.
cv::Mat picture_of(cv::Size size, int type, const std::function<double(int, int, int)>& value);

// How far stripes, computed with this many more rows on each side, are from the whole picture. `cuts`: the rows at
// which they begin, rising, beside 0; without them three stripes.
double difference_in_stripes(const std::string& task, const ParamValues& params, const cv::Mat& in, int halo,
                             std::vector<int> cuts = {});
void expect_stripes_equal_the_whole(const std::string& task, const ParamValues& params, const cv::Mat& in, int halo);
int declared_halo(const std::string& task, const ParamValues& params);

// On a view into a larger picture the task gives the same as on a copy of the view.
void expect_views_are_whole_pictures(const std::string& task, const ParamValues& params, int type);

// What the check of a topology says of these parameters; empty: they are right.
std::string problem(const std::string& task, const ParamValues& params);

// OpenCV's threads in a test; afterwards as many as before. Its pool is not built for ThreadSanitizer, which sees races
// in it: one thread there.
class OpenCvThreads {
 public:
  explicit OpenCvThreads(int count);
  ~OpenCvThreads();
  OpenCvThreads(const OpenCvThreads&) = delete;
  OpenCvThreads& operator=(const OpenCvThreads&) = delete;
  int count() const { return count_; }

 private:
  int before_, count_;
};

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> files() const;  // relative, sorted, hidden ones too

 private:
  std::filesystem::path path_;
};

std::vector<std::uint8_t> bytes_of(const std::string& path);

}  // namespace ride::tasks
