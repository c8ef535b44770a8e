#include "test_runner/run_test.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <string_view>

#include "common/cause.h"
#include "common/written_line.h"
#include "test_runner/failure_sheet.h"
#include "test_runner/picture_compare.h"
#include "test_runner/picture_write.h"
#include "test_runner/test_input.h"
#include "worker/tasks/known_models.h"

namespace ride::test_runner {
namespace {

namespace fs = std::filesystem;

// A model that is fetched by name and is not on this machine.
std::string missing_model(const ChainPlan& plan, const Environment& environment) {
  for (const auto& stage : plan.stages) {
    const auto model = stage.params.find("model");
    const auto* name = model == stage.params.end() ? nullptr : std::get_if<std::string>(&model->second);
    const auto* known = name == nullptr ? nullptr : tasks::find_known_model(*name);
    if (known == nullptr) continue;
    const auto folder = tasks::models_folder(environment);
    if (folder.ok() && tasks::look_for(*known, *folder) != tasks::Installed::no) continue;
    return fmt::format("the model {0} is not installed: ride models fetch {0}", known->name);
  }
  return "";
}

// A variable that names an input and is not set.
std::string missing_variable(const topology::TestCase& test, const ChainPlan& plan, const Environment& environment) {
  std::vector<std::string> texts = test.input.pictures;
  texts.push_back(test.input.kind != nullptr ? test.input.uri : texts.empty() ? plan.feed.uri : "");
  texts.push_back(test.expect.picture);
  for (const auto& text : texts)
    if (const auto unset = unset_variables(text, environment); !unset.empty())
      return fmt::format("the variable {} is not set", unset.front());
  return "";
}

// Where its bytes are: a link to them stays one.
fs::path behind_links(const fs::path& file) {
  std::error_code failed;
  auto target = fs::canonical(file, failed);
  return failed ? file : target;
}

// Which file it is and when it was changed; empty: there is none.
std::string state_of(const fs::path& file) {
  struct stat state {};
  return ::stat(file.c_str(), &state) == 0 ? input_version(state) : std::string();
}

cv::Mat picture_of(const Frame& frame) {
  if (!frame.image.empty() || !frame.encoded) return frame.image;
  const cv::Mat bytes(1, static_cast<int>(frame.encoded->bytes.size()), CV_8UC1,
                      const_cast<std::uint8_t*>(frame.encoded->bytes.data()));
  return cv::imdecode(bytes, cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR);
}

class TestRun {
 public:
  TestRun(const topology::TestCase& test, const TestPlaces& places, const Environment& environment)
      : test_(test), places_(places), environment_(environment) {}

  TestReport run(const topology::Topology& topology, const tasks::TaskRegistry& registry) {
    const auto plan = plan_chain(topology, test_);
    if (!plan.ok()) return failed(plan.error());
    report_.skipped_because = missing_model(*plan, environment_);
    if (report_.skipped_because.empty()) report_.skipped_because = missing_variable(test_, *plan, environment_);
    if (!report_.skipped_because.empty()) {
      report_.status = TestStatus::skipped;
      return report_;
    }
    if (const auto ran = run_chain(*plan, registry); !ran.ok()) return failed(ran.error());
    return conclude();
  }

 private:
  TestReport failed(const Error& error) {
    report_.failures = bounded({error.message});
    return report_;
  }

  Result<void> run_chain(const ChainPlan& plan, const tasks::TaskRegistry& registry) {
    StageChain chain(plan);
    RIDE_TRY(chain.open(registry));
    FrameId last;
    RIDE_TRY(read_input(test_, plan, places_.folder, environment_, [&](const Frame& frame) {
      last = frame.id;
      last_in_ = frame;
      return chain.put(frame);
    }));
    RIDE_TRY(chain.end());
    seen_ = {.out = chain.last_out(),
             .frames_out = chain.frames_out(),
             .out_for_last = chain.out_since_last_in() > 0,
             .fate = chain.fate_of(last)};
    return {};
  }

  TestReport conclude() {
    std::string picture;
    if (!test_.expect.picture.empty()) {
      const auto path = file_path(test_.expect.picture, places_.folder, environment_);
      if (!path.ok()) return failed(path.error());
      picture = *path;
    }
    auto expect = test_.expect;
    // `ride test` writes it into the file: it alone knows all tests of the file.
    if (places_.update && !expect.sha256.empty() && seen_.out) expect.sha256 = pixel_hash(seen_.out->image);
    const auto before = picture.empty() ? std::string() : state_of(picture);
    auto verdict = judge(expect, seen_, picture);
    if (places_.update && verdict.picture_differs && seen_.out) {
      if (const auto written = update(picture, before); !written.ok()) return failed(written.error());
      verdict = judge(expect, seen_, picture);
    }
    report_.sha256 = verdict.sha256;
    report_.failures = bounded(verdict.failures);
    report_.status = verdict.good() ? TestStatus::ok : TestStatus::failed;
    if (!verdict.good()) draw(verdict);
    return report_;
  }

  Result<void> update(const std::string& picture, const std::string& before) {
    RIDE_TRY(check_keeps_pixels(picture, seen_.out->image));
    if (state_of(picture) != before)
      return Error{ErrorCode::already_exists,
                   fmt::format("{} was changed while the test ran, and is left as it is: look at it, and run --update "
                               "again",
                               picture)};
    RIDE_TRY(write_picture(behind_links(picture), seen_.out->image));
    report_.wrote = picture;
    return {};
  }

  void draw(const Verdict& verdict) {
    const auto sheet = failure_sheet(test_, last_in_ ? picture_of(*last_in_) : cv::Mat(), seen_, verdict);
    const auto written = write_picture(places_.sheet, sheet);
    if (written.ok())
      report_.sheet = places_.sheet.string();
    else
      report_.failures.push_back("no picture of it: " + written.error().message);
  }

  const topology::TestCase& test_;
  const TestPlaces& places_;
  const Environment& environment_;
  TestReport report_;
  std::optional<Frame> last_in_;
  Seen seen_;
};

}  // namespace

TestReport run_test(const topology::Topology& topology, const topology::TestCase& test, const TestPlaces& places,
                    const tasks::TaskRegistry& registry, const Environment& environment) {
  try {
    return TestRun(test, places, environment).run(topology, registry);
  } catch (const std::exception& failure) {
    return {.status = TestStatus::failed, .failures = {std::string("the test ended: ") + cause_of(failure)}};
  }
}

}  // namespace ride::test_runner
