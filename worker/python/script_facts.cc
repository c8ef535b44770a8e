#include "worker/python/script_facts.h"

#include <spdlog/fmt/fmt.h>

#include <fstream>
#include <system_error>
#include <utility>

#include "common/file_text.h"
#include "common/text.h"
#include "process/run_to_end.h"
#include "process/temp_folder.h"
#include "worker/python/host_script.h"
#include "worker/python/interpreter.h"

namespace ride::python {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMostAnswer = std::uintmax_t{4} << 20;
constexpr std::size_t kMostText = 2000;
constexpr std::chrono::seconds kVersionsLimit{20};
// cv2 is looked for only: to import it takes long.
constexpr const char* kVersions =
    "import sys, importlib.util, numpy; open(sys.argv[1], 'w').write('Python %s, numpy %s, %s' % ("
    "sys.version.split()[0], numpy.__version__, 'OpenCV (cv2)' if importlib.util.find_spec('cv2') else 'no cv2'))";

// Foreign words for a terminal.
std::string words_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? one_line(found->get<std::string>().substr(0, kMostText)) : "";
}

const json& list_in(const json& object, const char* name) {
  static const json kNone = json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : kNone;
}

// A folder of its own, with what a child has written into the file `answer` there.
class Question {
 public:
  static Result<Question> make() {
    RIDE_ASSIGN(auto folder, process::make_temp_folder("ride-python"));
    return Question(std::move(folder));
  }
  Question(Question&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  Question& operator=(Question&&) = delete;
  ~Question() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }

  fs::path file() const { return folder_ / "question"; }
  fs::path answer() const { return folder_ / "answer"; }
  // `what`: what the Python was to do, for messages.
  Result<std::string> ask(std::vector<std::string> arguments, std::chrono::milliseconds limit,
                          const std::string& what) const {
    const auto python = arguments.front();
    RIDE_ASSIGN(
        const auto ended,
        process::run_to_end({.name = "python", .arguments = std::move(arguments), .log = folder_ / "log"}, limit, {}));
    if (ended.end == process::RunEnd::late)
      return Error{ErrorCode::timeout, fmt::format("{} takes too long to {}", python, what)};
    std::error_code failed;
    const auto size = fs::file_size(answer(), failed);
    if (failed || size > kMostAnswer)
      return Error{ErrorCode::internal, fmt::format("{} cannot {}: {}", python, what,
                                                    ended.last_words.empty() ? ended.how : ended.last_words)};
    return file_text(answer());
  }

 private:
  explicit Question(fs::path folder) : folder_(std::move(folder)) {}
  fs::path folder_;
};

}  // namespace

Result<ScriptFacts> parse_facts(std::string_view text) {
  const auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Error{ErrorCode::corrupt, "Python describes a script in a way that is not known"};
  ScriptFacts facts;
  facts.python = words_in(parsed, "python");
  for (const auto& one : list_in(parsed, "imports"))
    if (one.is_string()) facts.imports.push_back(one_line(one.get<std::string>()));
  for (const auto& one : list_in(parsed, "problems"))
    if (one.is_object()) facts.problems.push_back({words_in(one, "about"), words_in(one, "text")});
  for (const auto& one : list_in(parsed, "classes")) {
    if (!one.is_object()) continue;
    ScriptClass found{.name = words_in(one, "name"), .doc = words_in(one, "doc"), .params = {}, .methods = {}};
    found.whole = one.value("whole", json()) == json(true);
    for (const auto& method : list_in(one, "methods"))
      if (method.is_string()) found.methods.push_back(one_line(method.get<std::string>()));
    for (const auto& param : list_in(one, "params"))
      if (param.is_object())
        found.params.push_back({words_in(param, "name"), words_in(param, "type"), words_in(param, "default")});
    facts.classes.push_back(std::move(found));
  }
  return facts;
}

Result<ScriptFacts> look_at_script(const ScriptQuestion& question) {
  RIDE_ASSIGN(const auto python, find_interpreter(question.interpreter));
  RIDE_ASSIGN(const auto asked, Question::make());
  const auto name = question.file.filename().string();
  std::ofstream(asked.file()) << json{
      {"file", fs::absolute(question.file).string()},
      {"name", name},
      {"class", question.class_name},
      {"values", question.values}}.dump(-1, ' ', true, json::error_handler_t::replace);
  RIDE_ASSIGN(const auto answer, asked.ask({python.string(), "-I", "-S", "-c", std::string(describe_script()),
                                            asked.file().string(), asked.answer().string()},
                                           question.limit, "read " + name));
  return parse_facts(answer);
}

Result<std::string> python_and_modules() {
  RIDE_ASSIGN(const auto python, find_interpreter("python3"));
  RIDE_ASSIGN(const auto asked, Question::make());
  RIDE_ASSIGN(const auto answer, asked.ask({python.string(), "-I", "-c", kVersions, asked.answer().string()},
                                           kVersionsLimit, "import numpy (apt-get install python3-numpy)"));
  return one_line(answer.substr(0, kMostText));
}

}  // namespace ride::python
