#include "plugin/describe.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "common/file_text.h"
#include "common/json.h"
#include "common/text.h"
#include "plugin/declaration.h"
#include "plugin/elf_file.h"
#include "process/proc.h"
#include "process/program.h"
#include "process/temp_folder.h"

namespace ride::plugin {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMostDescription = 16 << 20;
constexpr std::size_t kWordsOfChild = 5;  // lines
constexpr std::chrono::seconds kKillPatience{10};

Error about(const std::string& file, ErrorCode code, const std::string& what) {
  return {code, fmt::format("plug-in {}: {}", file, what)};
}

Result<fs::path> worker_program(const DescribeOptions& options) {
  const auto path = options.worker.empty() ? process::own_folder() / "ride-worker" : options.worker;
  if (::access(path.c_str(), X_OK) == 0) return path;
  return Error{ErrorCode::not_found,
               fmt::format("{} is not there: it is asked what a plug-in declares. Install all of RIDE's programs into "
                           "one folder",
                           path.string())};
}

// With what the child wrote last: the plug-in's own words, if it has some.
Error ended_early(const std::string& file, const process::Program& child, int code) {
  const auto how =
      code > 128 ? fmt::format("it crashes with signal {} ({}) when it is loaded", code - 128, ::strsignal(code - 128))
                 : fmt::format("it ends its process with code {} when it is loaded", code);
  const auto words = process::log_tail(child.log(), 0, kWordsOfChild);
  return about(file, ErrorCode::internal,
               fmt::format("{}. Load it in a debugger (gdb --args ride-worker --describe-plugin {}), or leave it out{}",
                           how, file, words.empty() ? "" : "; its last words: " + words));
}

Result<std::vector<TaskDecl>> ask(const std::string& file, const DescribeOptions& options, const fs::path& temp) {
  RIDE_ASSIGN(const auto worker, worker_program(options));
  const auto answer = temp / "tasks.json";
  std::error_code failed;
  RIDE_ASSIGN(const auto child, process::Program::start({.name = "ride-worker",
                                                         .arguments = {worker.string(), "--describe-plugin", file,
                                                                       "--describe-to", answer.string()},
                                                         .log = temp / "log",
                                                         .working_folder = fs::current_path(failed),
                                                         .signal_on_parent_death = SIGKILL}));
  if (!child->process().wait_until_ended(options.limit)) {
    child->process().signal_group(SIGKILL);
    child->process().wait_until_ended(kKillPatience);
    return about(file, ErrorCode::timeout,
                 fmt::format("loading it takes longer than {} s, and was ended. Do no work in constructors of static "
                             "objects: open() is for it",
                             std::chrono::duration_cast<std::chrono::seconds>(options.limit).count()));
  }
  const int code = child->process().exit_code().value_or(-1);
  const auto size = fs::file_size(answer, failed);
  if (code != 0 || failed) return ended_early(file, *child, code);
  if (size > kMostDescription) return about(file, ErrorCode::resource_exhausted, "its declarations are too long");
  return parse_description(file_text(answer), file);
}

}  // namespace

std::string refusal_to_json(const Error& why) { return nlohmann::json{{"error", why.message}}.dump(2) + "\n"; }

Result<std::vector<TaskDecl>> parse_description(const std::string& text, const std::string& file) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_string())
    return invalid_argument(printable_lines(parsed["error"].get<std::string>()));
  const auto list = parsed.is_object() && parsed.contains("tasks") ? parsed["tasks"] : nlohmann::json();
  if (!list.is_array() || list.empty() || list.size() > kMostTasks)
    return about(file, ErrorCode::corrupt,
                 "ride-worker describes it in a way that is not known here. Install programs of one version");
  std::vector<TaskDecl> tasks;
  for (const auto& one : list) {
    auto task = parse_declaration(one);
    if (!task.ok()) return about(file, task.error().code, task.error().message);
    tasks.push_back(std::move(*task));
  }
  return tasks;
}

Result<std::vector<TaskDecl>> describe(const std::string& file, const DescribeOptions& options) {
  RIDE_TRY(check_file(file));
  RIDE_ASSIGN(const auto temp, process::make_temp_folder("ride-plugin"));
  auto tasks = ask(file, options, temp);
  std::error_code ignored;
  fs::remove_all(temp, ignored);
  return tasks;
}

Result<TaskCatalog> catalog_with(const TaskCatalog& tasks, const std::vector<std::string>& files,
                                 const DescribeOptions& options) {
  NameOwners owners(tasks);
  auto all = tasks.all();
  for (const auto& file : different_files(files)) {
    RIDE_ASSIGN(auto described, describe(file, options));
    for (auto& task : described) {
      RIDE_TRY(owners.add(task.name, file));
      all.push_back(std::move(task));
    }
  }
  return TaskCatalog(std::move(all));
}

NameOwners::NameOwners(const TaskCatalog& builtin) {
  for (const auto& name : builtin.names()) owners_[name] = "";
}

Result<void> NameOwners::add(const std::string& task, const std::string& file) {
  const auto [owner, added] = owners_.emplace(task, file);
  if (added) return {};
  const auto whose = owner->second.empty()   ? std::string("of a task that is built into RIDE")
                     : owner->second == file ? std::string("of another one of its tasks")
                                             : "of a task of the plug-in " + owner->second;
  return about(
      file, ErrorCode::already_exists,
      fmt::format("the name '{}' is that {}. Give the task another name, or leave one of them out", task, whose));
}

std::vector<std::string> different_files(const std::vector<std::string>& files) {
  std::vector<std::string> all;
  for (const auto& file : files) {
    std::error_code failed;
    const auto path = fs::absolute(file, failed);
    auto one = failed ? file : path.lexically_normal().string();
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace ride::plugin
