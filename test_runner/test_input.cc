#include "test_runner/test_input.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "common/source_file.h"
#include "producer/item_manifest.h"
#include "producer/log_access.h"
#include "producer/make_source.h"
#include "producer/sources/picture_frame.h"
#include "producer/work_budget.h"

namespace ride::test_runner {
namespace {

namespace fs = std::filesystem;

constexpr double kUsualFps = 25;
constexpr std::chrono::milliseconds kPatience{100};
constexpr int kMostWaits = 600;  // a minute

// No test reads a topic.
class NoLog : public producer::LogAccess {
 private:
  static Error none() { return {ErrorCode::unsupported, "a test has no Kafka"}; }
  Result<producer::OpenedWriter> writer(const std::vector<std::string>&, std::int64_t) override { return none(); }
  Result<std::unique_ptr<stream::RecordReader>> reader() override { return none(); }
  Result<std::unique_ptr<stream::CommitStore>> commits() override { return none(); }
  Result<std::unique_ptr<stream::TopicAdmin>> admin() override { return none(); }
};

constexpr double kLongestSeconds = 100 * 365.25 * 86'400;  // a century: records carry times up to 2100

// The year 2000 and so many frames.
Result<SystemTime> time_of(std::int64_t number, double fps) {
  static const SystemTime kBegin = *parse_time("2000-01-01T00:00:00Z");
  const double seconds = static_cast<double>(number) / fps;
  if (!(fps > 0) || !(seconds >= 0) || !(seconds < kLongestSeconds))
    return Error{ErrorCode::invalid_argument,
                 fmt::format("frame {} at {} frames per second would be captured outside of the years 2000 to 2100: "
                             "write a smaller 'frame' or another 'fps'",
                             number, fps)};
  return kBegin + std::chrono::microseconds(std::llround(seconds * 1e6));
}

class InputReader {
 public:
  InputReader(const topology::TestCase& test, const ChainPlan& plan, fs::path folder, const Environment& environment,
              const TakeFrame& take)
      : test_(test),
        plan_(plan),
        folder_(std::move(folder)),
        environment_(environment),
        take_(take),
        fps_(test.input.fps.value_or(plan.feed.fps > 0 ? plan.feed.fps : kUsualFps)) {}

  Result<void> run() { return test_.input.pictures.empty() ? from_source() : from_files(); }

 private:
  Result<void> give(producer::CapturedFrame&& captured) const {
    RIDE_ASSIGN(const auto captured_at, time_of(captured.number, fps_));
    Frame frame{.id = {plan_.source, SessionId{1}, captured.number},
                .captured_at = captured_at,
                .image = std::move(captured.image)};
    frame.encoded = std::move(captured.encoded);
    frame.attributes = std::move(captured.attributes);
    for (const auto& [name, value] : test_.attributes) frame.attributes[name] = value;
    return take_(frame);
  }

  Result<void> from_files() {
    std::int64_t number = 0;
    for (const auto& picture : test_.input.pictures) {
      RIDE_ASSIGN(const auto path, file_path(picture, folder_, environment_));
      auto frame = producer::handled([&] { return read_file(path); });
      if (!frame.ok()) return Error{frame.error().code, fmt::format("input {}: {}", path, frame.error().message)};
      frame->number = number++;
      frame->attributes[kSourceFileAttribute] = fs::path(path).filename().string();
      RIDE_TRY(give(std::move(*frame)));
    }
    return {};
  }

  Result<producer::CapturedFrame> read_file(const std::string& path) const {
    const auto wanted = producer::wanted_codecs(plan_.feed);
    const producer::PictureLimits limits{.max_pixels = max_pixels(), .memory_bytes = kPictureMemory};
    RIDE_ASSIGN(auto file, producer::read_picture_file(path, limits, wanted));
    auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(file.bytes));
    return producer::picture_frame(file.info, *bytes, bytes, wanted);
  }

  // Of the test, else of the source that the input stands for; 0: no limit of its own (another stage's frames).
  std::int64_t max_pixels() const { return test_.input.max_pixels.value_or(plan_.feed.max_pixels); }

  // The job's source, or the test's, with what the job's makes of its pictures.
  Result<stream::SourceSpec> source_spec() const {
    const auto& input = test_.input;
    if (input.kind == nullptr) {
      auto own = plan_.feed;
      own.max_pixels = max_pixels();
      return own;
    }
    stream::SourceSpec spec{.name = plan_.feed.name, .kind = input.kind->name, .uri = input.uri};
    spec.codec = producer::default_codec(plan_.feed);
    spec.max_pixels = max_pixels();
    spec.finite = true;
    spec.params = input.params;
    spec.outputs = plan_.feed.outputs;
    if (input.uri.empty() || input.uri.find("://") != std::string::npos) return spec;
    RIDE_ASSIGN(const auto path, file_path(input.uri, folder_, environment_));
    spec.uri.clear();
    for (const char c : path) spec.uri += c == '$' ? "$$" : std::string(1, c);  // what is filled in stays as it is
    return spec;
  }

  Result<void> from_source() {
    RIDE_ASSIGN(const auto spec, source_spec());
    NoLog log;
    producer::MemoryManifest manifest;
    producer::WorkBudget budget(kPictureMemory);
    producer::ItemWatch watch(budget, plan_.job.job, RunNumber{1}, spec.name, {});
    RIDE_ASSIGN(const auto source, producer::make_source(plan_.job, spec, log, manifest, environment_, watch));
    RIDE_TRY(source->open(test_.input.frame));
    auto read = pull(*source);
    source->close();
    return read;
  }

  Result<void> pull(producer::Source& source) const {
    int waits = 0;
    for (std::int64_t left = test_.input.frames; left > 0;) {
      RIDE_ASSIGN(auto pulled, source.next(kPatience));
      if (auto* frame = std::get_if<producer::CapturedFrame>(&pulled)) {
        RIDE_TRY(give(std::move(*frame)));
        --left;
        waits = 0;
      } else if (const auto* item = std::get_if<producer::RejectedItem>(&pulled)) {
        return Error{ErrorCode::corrupt, fmt::format("input {}: {}", item->name, item->cause)};
      } else if (std::holds_alternative<producer::SourceEnded>(pulled)) {
        return Error{ErrorCode::invalid_argument,
                     fmt::format("the input has no frame {}: it ends before; write a smaller 'frame' or 'frames'",
                                 test_.input.frame + test_.input.frames - left)};
      } else if (++waits > kMostWaits) {
        return Error{ErrorCode::timeout, "the input gives no frame"};
      }
    }
    return {};
  }

  const topology::TestCase& test_;
  const ChainPlan& plan_;
  const fs::path folder_;
  const Environment& environment_;
  const TakeFrame& take_;
  const double fps_;
};

}  // namespace

Result<std::string> file_path(const std::string& path, const fs::path& folder, const Environment& environment) {
  RIDE_ASSIGN(const auto filled, expand_variables(path, environment));
  return fs::path(filled).is_absolute() ? filled : (folder / filled).lexically_normal().string();
}

Result<void> read_input(const topology::TestCase& test, const ChainPlan& plan, const fs::path& folder,
                        const Environment& environment, const TakeFrame& take) {
  return InputReader(test, plan, folder, environment, take).run();
}

}  // namespace ride::test_runner
