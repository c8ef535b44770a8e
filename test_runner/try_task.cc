#include "test_runner/try_task.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <opencv2/core/utility.hpp>

#include "common/cause.h"
#include "common/source_file.h"
#include "process/proc.h"
#include "producer/sources/picture_frame.h"
#include "test_runner/failure_sheet.h"
#include "test_runner/picture_write.h"
#include "test_runner/test_input.h"
#include "worker/buffer_pool.h"
#include "worker/open_task.h"
#include "worker/tasks/picture.h"

namespace ride::test_runner {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTryPoolBytes = 128 << 20;
constexpr const char* kTried = "try";  // the stage, in messages

class KeepAll final : public tasks::Emitter {
 public:
  void emit(Frame frame) override { emitted.emplace_back("", std::move(frame)); }
  void emit(const std::string& port, Frame frame) override { emitted.emplace_back(port, std::move(frame)); }
  cv::Mat allocate(int rows, int cols, int type) override { return pool_.allocate(rows, cols, type); }
  void progress() override {}

  std::vector<std::pair<std::string, Frame>> emitted;

 private:
  worker::BufferPool pool_{kTryPoolBytes};
};

// As a producer reads it.
Result<Frame> read_picture(const std::string& path) {
  const auto read = [&]() -> Result<producer::CapturedFrame> {
    const std::vector<Codec> wanted = {Codec{}};  // pixels
    RIDE_ASSIGN(auto file, producer::read_picture_file(path, {.memory_bytes = kPictureMemory}, wanted));
    auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(file.bytes));
    return producer::picture_frame(file.info, *bytes, bytes, wanted);
  };
  auto captured = producer::handled(read);
  if (!captured.ok()) return Error{captured.error().code, fmt::format("{}: {}", path, captured.error().message)};
  Frame frame{.id = {kTried, SessionId{1}, 0}, .captured_at = system_now(), .image = std::move(captured->image)};
  frame.attributes[kSourceFileAttribute] = fs::path(path).filename().string();
  return frame;
}

class Try {
 public:
  Try(const TryRequest& request, const tasks::TaskRegistry& registry) : request_(request), registry_(registry) {}
  ~Try() {
    if (task_) task_->close();
  }
  Try(const Try&) = delete;
  Try& operator=(const Try&) = delete;

  Result<void> run(TryReport& report) {
    const auto* type = registry_.find(request_.task);
    if (type != nullptr && type->declaration.sink)
      return invalid_argument("the task " + request_.task +
                              " is a sink: nothing comes out of it. Use it in a topology");
    if (request_.picture.empty()) return open(type);
    if (!request_.save.empty()) RIDE_TRY(check_ending(request_.save));
    RIDE_ASSIGN(const auto frame, read_picture(request_.picture));
    report.picture = tasks::shape_text(frame.image);
    RIDE_TRY(open(type));
    const auto begin = std::chrono::steady_clock::now();
    auto done = processed(frame);
    report.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    report.peak_bytes = process::peak_memory_of(::getpid());
    if (!done.ok()) {
      report.retriable = done.error().retriable;
      return done;
    }
    if (!request_.show.empty()) RIDE_TRY(show(frame.image));
    return tell(type->declaration, report);
  }

 private:
  Result<void> open(const tasks::TaskType* type) {
    const stream::StageSpec stage{.name = kTried, .task = request_.task, .params = request_.params};
    cv::setNumThreads(worker::threads_of(stage));
    RIDE_ASSIGN(task_, worker::open_task(type == nullptr ? tasks::TaskType{} : *type, stage,
                                         {JobName{kTried}, RunNumber{1}, kTried, {}}));
    return {};
  }

  Result<void> show(const cv::Mat& input) const {
    std::vector<cv::Mat> pictures = {input};
    for (const auto& [port, frame] : out_.emitted) pictures.push_back(frame.image);
    return write_picture(request_.show, side_by_side(pictures));
  }

  // What a task that holds frames back has kept is emitted at the end.
  Result<void> processed(const Frame& frame) {
    try {
      RIDE_TRY(task_->process(frame, out_));
      return task_->finish(out_);
    } catch (const std::exception& failure) {
      return Error{ErrorCode::internal, cause_of(failure)};
    }
  }

  // All that came out is told, also where a file cannot hold it.
  Result<void> tell(const TaskDecl& declaration, TryReport& report) {
    Result<void> saved;
    const auto first = declaration.outputs.front();
    std::map<std::string, int> count;
    for (auto& [named, frame] : out_.emitted) {
      const auto port = named.empty() ? first : named;
      TriedFrame tried{.port = port,
                       .cols = frame.image.cols,
                       .rows = frame.image.rows,
                       .channels = frame.image.channels(),
                       .depth = tasks::depth_name(frame.image.depth()),
                       .attributes = std::move(frame.attributes)};
      tried.attributes.erase(kSourceFileAttribute);
      if (!request_.save.empty()) {
        auto file = saved_name(request_.save, first, port, ++count[port]);
        const auto written = write_picture(file, frame.image);
        if (written.ok()) tried.file = std::move(file);
        if (!written.ok() && saved.ok()) saved = written;
      }
      report.frames.push_back(std::move(tried));
    }
    return saved;
  }

  const TryRequest& request_;
  const tasks::TaskRegistry& registry_;
  KeepAll out_;
  std::unique_ptr<tasks::Task> task_;
};

}  // namespace

std::string saved_name(const std::string& save, const std::string& first, const std::string& port, int number) {
  const fs::path file(save);
  auto name = file.stem().string();
  if (port != first) name += "." + port;
  if (number > 1) name += "." + std::to_string(number);
  return (file.parent_path() / (name + file.extension().string())).string();
}

TryReport try_task(const TryRequest& request, const tasks::TaskRegistry& registry) {
  TryReport report;
  try {
    Try once(request, registry);
    if (const auto done = once.run(report); !done.ok()) report.error = done.error().message;
  } catch (const std::exception& failure) {
    report.error = cause_of(failure);
  }
  return report;
}

}  // namespace ride::test_runner
