#include "tests/tasks/harness.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "common/log.h"

namespace ride::tasks {

namespace fs = std::filesystem;

namespace {
// As a worker does for env.threads = 1. More than one: TBB's threads, which ThreadSanitizer cannot see into.
[[maybe_unused]] const bool kOneThread = [] {
  cv::setNumThreads(1);
  return true;
}();
}  // namespace

cv::Mat KeepingEmitter::allocate(int rows, int cols, int type) {
  // Undefined contents, as from a pool: a task that forgets a pixel is found out.
  cv::Mat image(rows, cols, type, cv::Scalar::all(77));
  allocated.push_back(image);
  return image;
}

bool KeepingEmitter::hold(const std::string& group) {
  if (can_hold) ++held[group];
  return can_hold;
}

const Frame& KeepingEmitter::only() const {
  static const Frame kNone;
  const auto found = frames.find("out");
  const bool one = frames.size() == 1 && found != frames.end() && found->second.size() == 1;
  EXPECT_TRUE(one) << "not one frame on the default port";
  return one ? found->second.front() : kNone;
}

bool KeepingEmitter::was_allocated(const cv::Mat& image) const {
  return std::any_of(allocated.begin(), allocated.end(), [&](const cv::Mat& m) { return m.data == image.data; });
}

TaskEnv env_for(const std::string& task, const ParamValues& params) {
  const TaskType* type = builtin_tasks().find(task);
  EXPECT_NE(type, nullptr) << task;
  auto checked = check_task_params(type->declaration, params);
  EXPECT_TRUE(checked) << (checked ? "" : checked.error().message);
  return {.params = checked ? *checked : ParamValues{},
          .job = "street",
          .stage = "album",
          .run = 4,
          .worker = "w1#ab/../12"};
}

Result<void> try_open(const std::string& task, const ParamValues& params) {
  return builtin_tasks().find(task)->make()->open(env_for(task, params));
}

std::unique_ptr<Task> opened(const std::string& task, const ParamValues& params) {
  init_logging("tasks_test", LogLevel::error);  // tasks warn of short paths, which the tests like
  const TaskType* type = builtin_tasks().find(task);
  EXPECT_NE(type, nullptr) << task;
  auto made = type->make();
  const auto open = made->open(env_for(task, params));
  EXPECT_TRUE(open) << (open ? "" : open.error().message);
  return made;
}

cv::Mat read_only(const cv::Mat& image, std::shared_ptr<const void>& owner) {
  const std::size_t step = image.cols * image.elemSize(), bytes = std::max<std::size_t>(1, step * image.rows);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(memory, MAP_FAILED);
  cv::Mat copy(image.rows, image.cols, image.type(), memory, step);
  image.copyTo(copy);
  EXPECT_EQ(::mprotect(memory, bytes, PROT_READ), 0);
  owner = std::shared_ptr<const void>(memory, [bytes](const void* m) { ::munmap(const_cast<void*>(m), bytes); });
  return copy;
}

Frame frame_of(const cv::Mat& image, std::int64_t number, const std::string& source) {
  Frame frame;
  frame.id = {source, SessionId{3}, number};
  frame.captured_at = SystemTime(std::chrono::seconds(1'795'248'000) + std::chrono::milliseconds(100 * number));
  if (!image.empty()) frame.image = read_only(image, frame.owner);
  frame.attributes["camera"] = "north";
  frame.passed_on = {{"x-unknown", "kept"}};
  return frame;
}

Frame with_bytes(Frame frame, std::vector<std::uint8_t> bytes, const std::string& content_type) {
  auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  frame.encoded = EncodedPicture{content_type, *owner, owner};
  return frame;
}

cv::Mat run(const std::string& task, const ParamValues& params, const cv::Mat& image) {
  auto made = opened(task, params);
  KeepingEmitter out;
  const Frame frame = with_bytes(frame_of(image), {1, 2, 3}, "image/jpeg");
  const auto done = made->process(frame, out);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  const Frame& result = out.only();
  EXPECT_EQ(result.id, frame.id);
  EXPECT_EQ(result.captured_at, frame.captured_at);
  EXPECT_EQ(result.passed_on, frame.passed_on);
  EXPECT_EQ(result.attributes.count("camera"), 1u);
  if (result.image.data == frame.image.data) {
    EXPECT_TRUE(result.encoded) << "an unchanged picture keeps its bytes";
  } else {
    EXPECT_FALSE(result.encoded) << "bytes of another picture were left in place";
    EXPECT_TRUE(out.was_allocated(result.image)) << "the output does not lie in the worker's pool";
  }
  made->close();
  return result.image.clone();
}

std::string error_of(const std::string& task, const ParamValues& params, const Frame& frame) {
  auto made = opened(task, params);
  KeepingEmitter out;
  const auto done = made->process(frame, out);
  EXPECT_FALSE(done);
  EXPECT_TRUE(out.frames.empty());
  return done ? "" : done.error().message;
}

cv::Mat noise(int rows, int cols, int type, int seed) {
  cv::Mat image(rows, cols, type);
  cv::RNG rng(static_cast<std::uint64_t>(seed));
  const double top = image.depth() == CV_8U ? 256 : image.depth() == CV_16U ? 65536 : 1;
  rng.fill(image, cv::RNG::UNIFORM, cv::Scalar::all(0), cv::Scalar::all(top));
  return image;
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return 1e9;
  return a.empty() ? 0 : cv::norm(a.reshape(1), b.reshape(1), cv::NORM_INF);
}

int count_of(const cv::Mat& image, double value) { return cv::countNonZero(image.reshape(1) == value); }

namespace {

int mirrored(int position, int length) {
  if (length == 1) return 0;
  const int period = 2 * (length - 1), within = ((position % period) + period) % period;
  return within < length ? within : period - within;
}

}  // namespace

double value_at(const cv::Mat& image, int y, int x, int channel) {
  const int row = mirrored(y, image.rows), i = mirrored(x, image.cols) * image.channels() + channel;
  return image.depth() == CV_8U ? image.ptr<std::uint8_t>(row)[i] : image.ptr<std::uint16_t>(row)[i];
}

cv::Mat picture_of(cv::Size size, int type, const std::function<double(int, int, int)>& value) {
  cv::Mat picture(size, type);
  const int channels = picture.channels();
  const double top = picture.depth() == CV_8U ? 255 : 65535;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const double rounded = std::floor(std::clamp(value(y, x, c), 0.0, top) + 0.5);
        if (picture.depth() == CV_8U)
          picture.ptr<std::uint8_t>(y)[x * channels + c] = static_cast<std::uint8_t>(rounded);
        else
          picture.ptr<std::uint16_t>(y)[x * channels + c] = static_cast<std::uint16_t>(rounded);
      }
    }
  }
  return picture;
}

int declared_halo(const std::string& task, const ParamValues& params) {
  const auto* declaration = builtin_tasks().catalog().find(task);
  return declaration->halo(env_for(task, params).params);
}

double difference_in_stripes(const std::string& task, const ParamValues& params, const cv::Mat& in, int halo,
                             std::vector<int> cuts) {
  const cv::Mat whole = run(task, params, in);
  if (cuts.empty()) cuts = {in.rows * 2 / 7, in.rows * 5 / 8};
  cuts.insert(cuts.begin(), 0);
  cuts.push_back(in.rows);
  double most = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const cv::Range core(cuts[i], cuts[i + 1]);
    const cv::Range with_halo(std::max(0, core.start - halo), std::min(in.rows, core.end + halo));
    const cv::Mat part = run(task, params, in.rowRange(with_halo).clone());
    const cv::Mat kept = part.rowRange(core.start - with_halo.start, core.end - with_halo.start);
    most = std::max(most, largest_difference(kept.clone(), whole.rowRange(core).clone()));
  }
  return most;
}

void expect_stripes_equal_the_whole(const std::string& task, const ParamValues& params, const cv::Mat& in, int halo) {
  EXPECT_EQ(difference_in_stripes(task, params, in, halo), 0) << task << " with a halo of " << halo;
}

void expect_views_are_whole_pictures(const std::string& task, const ParamValues& params, int type) {
  const cv::Mat large = noise(40, 43, type);
  const cv::Mat view = large(cv::Rect(10, 9, 21, 18));
  Frame frame = frame_of(cv::Mat());
  frame.image = view;
  KeepingEmitter out;
  ASSERT_TRUE(opened(task, params)->process(frame, out)) << task;
  EXPECT_EQ(largest_difference(out.only().image.clone(), run(task, params, view.clone())), 0) << task;
}

std::string problem(const std::string& task, const ParamValues& params) {
  const auto checked = check_task_params(*builtin_tasks().catalog().find(task), params);
  return checked ? "" : checked.error().message;
}

#ifdef __SANITIZE_THREAD__
constexpr int kMostOpenCvThreads = 1;
#else
constexpr int kMostOpenCvThreads = 64;
#endif

OpenCvThreads::OpenCvThreads(int count) : before_(cv::getNumThreads()), count_(std::min(count, kMostOpenCvThreads)) {
  cv::setNumThreads(count_);
}
OpenCvThreads::~OpenCvThreads() { cv::setNumThreads(before_); }

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "ride-tasks-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> TempFolder::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), path_).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::uint8_t> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ride::tasks
