#include "plugin/describe.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>

#include "common/file_text.h"
#include "common/json.h"
#include "common/text.h"
#include "plugin/declaration.h"
#include "plugin/elf_file.h"
#include "process/own_programs.h"
#include "process/run_to_end.h"
#include "process/temp_folder.h"

namespace ride::plugin {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMostDescription = 16 << 20;

Error about(const std::string& file, ErrorCode code, const std::string& what) {
  return {code, fmt::format("plug-in {}: {}", file, what)};
}

Error may_pass(Error error) {
  error.retriable = true;
  return error;
}

// With what the child wrote last: the plug-in's own words, if it has some.
Error ended_early(const std::string& file, const process::EndedRun& ended) {
  return about(
      file, ErrorCode::internal,
      fmt::format("loading it failed: {}. Load it in a debugger (gdb --args ride-worker --describe-plugin {}), "
                  "or leave it out{}",
                  ended.how, file, ended.last_words.empty() ? "" : "; its last words: " + ended.last_words));
}

// What the child wrote.
Result<std::string> ask(const std::string& file, const DescribeOptions& options, const fs::path& temp) {
  auto worker = options.worker.string();
  if (worker.empty()) {
    RIDE_ASSIGN(worker, process::find_program("ride-worker"));
  }
  const auto answer = temp / "tasks.json";
  RIDE_ASSIGN(const auto ended,
              process::run_to_end({.name = "ride-worker",
                                   .arguments = {worker, "--describe-plugin", file, "--describe-to", answer.string()},
                                   .log = temp / "log"},
                                  options.limit, options.stop));
  switch (ended.end) {
    case process::RunEnd::stopped:
      return about(file, ErrorCode::cancelled, "loading it was interrupted");
    case process::RunEnd::late:
      return may_pass(about(file, ErrorCode::internal,
                            fmt::format("loading it takes longer than {} s, and was ended. Do no work in constructors "
                                        "of static objects: open() is for it",
                                        std::chrono::duration_cast<std::chrono::seconds>(options.limit).count())));
    case process::RunEnd::by_itself:
      break;
  }
  std::error_code failed;
  const auto size = fs::file_size(answer, failed);
  // From outside, or for want of memory: the plug-in is not to blame.
  if (ended.code == 128 + SIGKILL) return may_pass(ended_early(file, ended));
  if (ended.code != 0 || failed) return ended_early(file, ended);
  if (size > kMostDescription) return about(file, ErrorCode::resource_exhausted, "its declarations are too long");
  return file_text(answer);
}

Result<std::string> answer_about(const std::string& file, const DescribeOptions& options) {
  RIDE_TRY(check_file(file));
  const auto temp_folder = process::make_temp_folder("ride-plugin");
  if (!temp_folder.ok()) return may_pass(temp_folder.error());
  const auto& temp = *temp_folder;
  auto answer = ask(file, options, temp);
  std::error_code ignored;
  fs::remove_all(temp, ignored);
  return answer;
}

// Two names may lead to one file, but never by their text alone: "link/../x" is beside what the link leads to.
bool same_file(const std::string& one, const std::string& other) {
  std::error_code failed;
  return one == other || fs::equivalent(one, other, failed);
}

}  // namespace

std::string refusal_to_json(const Error& why) {
  return nlohmann::json{{"error", why.message}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<std::vector<TaskDecl>> parse_description(const std::string& text, const std::string& file) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_string())
    return invalid_argument(printable_lines(parsed["error"].get<std::string>()));
  return parse_tasks(parsed.is_object() && parsed.contains("tasks") ? parsed["tasks"] : nlohmann::json(), file);
}

Result<std::vector<TaskDecl>> parse_tasks(const nlohmann::json& list, const std::string& file) {
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
  RIDE_ASSIGN(const auto answer, answer_about(file, options));
  return parse_description(answer, file);
}

Result<Description> describe_whole(const std::string& file, const DescribeOptions& options) {
  RIDE_ASSIGN(const auto answer, answer_about(file, options));
  Description description;
  RIDE_ASSIGN(description.tasks, parse_description(answer, file));
  description.json = nlohmann::json::parse(answer, nullptr, false)["tasks"].dump();
  return description;
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

Result<TaskCatalog> catalog_with(const TaskCatalog& tasks, const std::vector<TaskDecl>& described,
                                 const std::string& file) {
  NameOwners owners(tasks);
  auto all = tasks.all();
  for (const auto& task : described) {
    RIDE_TRY(owners.add(task.name, file));
    all.push_back(task);
  }
  return TaskCatalog(std::move(all));
}

NameOwners::NameOwners(const TaskCatalog& builtin) {
  for (const auto& name : builtin.names()) owners_[name] = "";
}

Result<void> NameOwners::add(const std::string& task, const std::string& file) {
  const auto [owner, added] = owners_.emplace(task, file);
  if (added) return {};
  const auto whose = owner->second.empty()   ? std::string("of a task that is built into RIDE, or of another plug-in")
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
    auto one = failed ? file : path.string();
    if (std::none_of(all.begin(), all.end(), [&](const auto& other) { return same_file(one, other); }))
      all.push_back(std::move(one));
  }
  return all;
}

}  // namespace ride::plugin
