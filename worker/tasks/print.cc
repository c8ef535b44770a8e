// print: one line for each frame, on standard output or at the end of a file. A line is written by one system call, so
// that several workers can share a file on one machine; a half-written line (full disk) is taken back.
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/json.h"
#include "common/text.h"
#include "worker/tasks/output_place.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::print {
namespace {

struct Options {
  std::string path;
  std::string format = "text";
  bool sync = true;
};

const std::vector<std::string>& path_fields() {
  static const std::vector<std::string> kFields = {"job", "run", "stage", "worker"};
  return kFields;
}

std::optional<std::string> path_rule(const ParamValue& value) {
  if (std::get<std::string>(value).empty()) return std::nullopt;
  const auto path = PathTemplate::parse(std::get<std::string>(value), path_fields());
  return path ? std::nullopt : std::optional(path.error().message);
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"path",
       &Options::path,
       "File to append to, with {job} {run} {stage} {worker} filled in; empty: standard output",
       {.rule = path_rule, .rule_doc = "no other placeholders"}},
      {"format", &Options::format, "One JSON object, or text for people", {.choices = {"json", "text"}}},
      sync_param(&Options::sync)};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "print",
      .doc =
          "Writes one line for each frame: identity, capture time, shape and attributes. After a failover a line may "
          "come twice.",
      .params = params().specs(),
      .outputs = {},
      .sink = true,
      .files = {.param = "path", .hold = FilesDecl::Hold::lines, .fields = path_fields(), .format_param = "format"}};
}

using nlohmann::json;

constexpr int kMostNesting = 64;  // writing a value takes stack for each level, and attributes come from outside

// Results that are JSON lists or objects stand as such; everything else is text.
json attribute_value(const std::string& text) {
  if (text.starts_with('[') || text.starts_with('{')) {
    bool too_deep = false;
    const auto shallow = [&](int depth, json::parse_event_t, const json&) {
      too_deep = too_deep || depth > kMostNesting;
      return !too_deep;
    };
    json value = json::parse(text, shallow, false);
    if (!value.is_discarded() && !too_deep) return value;
  }
  return text;
}

std::string json_line(const Frame& frame) {
  json line = {{"id", to_string(frame.id)},
               {"source", frame.id.source},
               {"session", frame.id.session.value},
               {"number", frame.id.number},
               {"captured_at", format_time(frame.captured_at)},
               {"width", frame.image.cols},
               {"height", frame.image.rows},
               {"channels", frame.image.channels()},
               {"depth", depth_name(frame.image.depth())}};
  line["attributes"] = json::object();
  for (const auto& [name, value] : frame.attributes) line["attributes"][name] = attribute_value(value);
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_line(const Frame& frame) {
  std::string line =
      fmt::format("{} {} {}", to_string(frame.id), format_time(frame.captured_at), shape_text(frame.image));
  for (const auto& [name, value] : frame.attributes) line += fmt::format(" {}={}", name, value);
  return one_line(line);  // names and attributes come from outside
}

class Print : public Task {
 public:
  ~Print() override { close(); }

  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    if (options_.path.empty()) return {};
    auto parsed = PathTemplate::parse(options_.path, path_fields());
    if (!parsed) return parsed.error();
    path_ = parsed->expand(
        {{"job", env.job}, {"run", std::to_string(env.run)}, {"stage", env.stage}, {"worker", env.worker}});
    const auto place = OutputPlace::open(path_, options_.sync);
    if (!place) return place.error();
    const int follow = outputs_are_confined() ? O_NOFOLLOW : 0;
    fd_ = ::openat(place->folder(), place->name().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | follow, 0666);
    if (fd_ < 0) return system_error("write", path_, errno);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter&) override {
    auto written = append((options_.format == "json" ? json_line(frame) : text_line(frame)) + "\n");
    if (written) return written;
    Error error = written.error();
    error.message = place(env_, frame) + ": " + error.message;
    return error;
  }

  void close() override {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  Result<void> append(const std::string& line) {
    const int fd = fd_ >= 0 ? fd_ : STDOUT_FILENO;
    const std::string& name = fd_ >= 0 ? path_ : kStandardOutput;
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t wrote = ::write(fd, line.data() + done, line.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) {
        const int reason = wrote < 0 ? errno : ENOSPC;
        take_back(static_cast<off_t>(done));
        return system_error("write", name, reason);
      }
      done += static_cast<std::size_t>(wrote);
    }
    // A device or a pipe cannot be synced, and need not be.
    if (fd_ >= 0 && options_.sync && ::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) {
      return system_error("sync", name, errno);
    }
    return {};
  }

  // Half a line at the end of the file is ours only if nobody has written behind it; O_APPEND then put it at the end.
  void take_back(off_t half) {
    struct stat state {};
    if (fd_ < 0 || half == 0 || ::fstat(fd_, &state) != 0 || !S_ISREG(state.st_mode)) return;
    const off_t end = ::lseek(fd_, 0, SEEK_CUR);  // behind our last write
    if (end != state.st_size || end < half) return;
    if (::ftruncate(fd_, end - half) != 0) return;  // the torn line stays: the Error already says that the disk is full
  }

  static inline const std::string kStandardOutput = "standard output";
  TaskEnv env_;
  Options options_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Print)

}  // namespace ride::tasks::print
