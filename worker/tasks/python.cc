// python: a class of the user's, in a process of its own beside the worker (worker/python). What it emits is copied out
// of the memory that both share before anybody else sees it.
#include <spdlog/fmt/fmt.h>

#include <filesystem>

#include "common/json.h"
#include "common/units.h"
#include "worker/python/runner.h"
#include "worker/tasks/input_file.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::python {
namespace {

constexpr std::int64_t kMostScript = std::int64_t{16} << 20, kLeastMemory = std::int64_t{64} << 20;
const char* const kPorts[] = {"out", "out2", "out3", "out4"};

struct Options {
  std::string file;
  std::string class_name;
  std::string values = "{}";
  std::string interpreter = "python3";
  std::string memory = "2GiB";
  double timeout = 30;
};

std::optional<std::string> named(const ParamValue& value) {
  if (!std::get<std::string>(value).empty()) return std::nullopt;
  return "it is empty";
}

std::optional<std::string> is_object(const ParamValue& value) {
  if (nlohmann::json::parse(std::get<std::string>(value), nullptr, false).is_object()) return std::nullopt;
  return "it is no map and no JSON object; write for example { least: 200 }";
}

std::optional<std::string> is_memory(const ParamValue& value) {
  const auto size = parse_byte_size(std::get<std::string>(value));
  if (!size.ok()) return size.error().message;
  if (size->bytes >= kLeastMemory && size->bytes <= std::int64_t{1} << 40) return std::nullopt;
  return "64MiB to 1TiB are possible";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"file",
       &Options::file,
       "Path of the Python file with the class",
       {.rule = named, .rule_doc = "not empty", .required = true, .file = InputFile{locate_path, kMostScript}}},
      {"class", &Options::class_name, "Name of the class in it; empty: the only one that has process()"},
      {"values",
       &Options::values,
       "Parameters of the class: a map, or a JSON object as text",
       {.rule = is_object, .rule_doc = "a map or a JSON object", .object = true}},
      {"python",
       &Options::interpreter,
       "Python that runs it, with numpy, on each node: a name, a path, or the folder of a venv",
       {.rule = named, .rule_doc = "not empty"}},
      {"memory",
       &Options::memory,
       "Private memory that the Python process may have: 512MiB, 2GiB",
       {.rule = is_memory, .rule_doc = "64MiB to 1TiB"}},
      {"timeout",
       &Options::timeout,
       "Seconds that one frame may take; then the process is killed",
       {.min = 0.05, .max = 86400}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "python",
          .doc =
              "Runs a Python class on each frame: open(), process(frame, out), finish(out), close(); frame.image is a "
              "numpy array (docs/python.md). Each partition has a process of its own, which may fail, crash, hang or "
              "use up its memory without harm to the worker. It is a process of the worker's user: no protection "
              "against code that means harm. Takes 8U, 16U and 32F with 1 to 4 channels.",
          .params = params().specs(),
          .outputs = {std::begin(kPorts), std::end(kPorts)},
          .opens_ahead = true};
}

class Python : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    const Options options = params().read(env.params);
    ride::python::RunnerPlan plan{
        .file = file_for(env, "file", options.file),
        .name = std::filesystem::path(options.file).filename().string(),
        .class_name = options.class_name,
        .values = nlohmann::json::parse(options.values, nullptr, false),
        .interpreter = options.interpreter,
        .timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000)),
        .stage = env.stage,
        .threads = env.threads,
        .ports = {std::begin(kPorts), std::end(kPorts)}};
    RIDE_ASSIGN(const auto memory, parse_byte_size(options.memory));
    plan.memory = memory.bytes;
    runner_ = std::make_unique<ride::python::Runner>(std::move(plan));
    return runner_->open();
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    auto result = runner_->process(frame, out);
    if (result.ok()) return result;
    auto error = result.error();
    error.message = fmt::format("{}: {}", place(env_, frame), error.message);
    return error;
  }

  Result<void> finish(Emitter& out) override { return runner_->finish(out); }

  void close() override {
    if (runner_) runner_->close();
    runner_.reset();
  }

 private:
  TaskEnv env_;
  std::unique_ptr<ride::python::Runner> runner_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Python)

}  // namespace ride::tasks::python
