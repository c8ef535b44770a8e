#include "cli/local/reload.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>

#include "cli/core/task_view.h"
#include "cli/local/task_try.h"
#include "common/file_text.h"
#include "common/json.h"
#include "common/newer_file.h"
#include "common/sha256.h"
#include "plugin/describe.h"
#include "process/whole_file.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kLongestOpen{150};                 // more than Python has for it in a worker
constexpr std::uintmax_t kMostBytes = std::uintmax_t{256} << 20;  // of a plug-in; a script is refused at submit

Result<std::string> bytes_of(const fs::path& file) {
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  if (failed) return Error{ErrorCode::not_found, fmt::format("{}: {}", file.string(), failed.message())};
  if (size > kMostBytes)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("{} has {} bytes; at most {} are taken here", file.string(), size, kMostBytes)};
  return file_text(file);
}

std::string declared(const std::vector<TaskDecl>& tasks) {
  std::string text;
  for (const auto& task : tasks) text += task_to_json(task).dump() + "\n";
  return text;
}

}  // namespace

Result<std::vector<std::string>> Reload::place_plugins() {
  std::vector<std::string> placed;
  std::vector<Watched> watched;
  for (const auto& file : topology_.plugins) {
    // The folder's number keeps two of one name apart.
    const auto to = folder_ / "plugins" / std::to_string(placed.size()) / fs::path(file).filename();
    std::error_code failed;
    fs::create_directories(to.parent_path(), failed);
    RIDE_ASSIGN(const auto bytes, bytes_of(file));
    RIDE_TRY(process::write_whole_file(to, bytes));
    placed.push_back(to.string());
    watched.push_back({.file = file, .placed = to, .runs = sha256_hex(bytes)});
  }
  watch(std::move(watched));
  return placed;
}

void Reload::watch(std::vector<Watched> more) {
  std::move(more.begin(), more.end(), std::back_inserter(watched_));
  std::vector<fs::path> files;
  files.reserve(watched_.size());
  for (const auto& one : watched_) files.push_back(one.file);
  files_.emplace(std::move(files));
  all_ = true;
}

// Of a stage with the task python.
std::optional<Reload::Watched> Reload::script_of(const NamedFile& named) const {
  const auto& topology = topology_.topology();
  const auto stage = std::find_if(topology.stages().begin(), topology.stages().end(),
                                  [&](const auto& one) { return one.name == named.stage; });
  if (stage == topology.stages().end() || stage->task != "python") return std::nullopt;
  return Watched{.file = named.path,
                 .placed = newer_file(folder_, topology.name(), named.stage, named.param, named.ref.sha256),
                 .stage = named.stage,
                 .param = named.param,
                 .runs = named.ref.sha256};
}

Result<void> Reload::begin(const std::vector<NamedFile>& files) {
  const auto place = newer_file(folder_, topology_.topology().name(), "", "", "").parent_path();
  std::error_code failed;
  fs::remove_all(place, failed);
  fs::create_directories(place, failed);
  std::vector<Watched> watched;
  for (const auto& named : files) {
    auto one = script_of(named);
    if (!one) continue;
    RIDE_ASSIGN(const auto bytes, bytes_of(one->file));
    // Where it was saved since it was shipped, workers have what came with the job.
    if (sha256_hex(bytes) == one->runs) RIDE_TRY(process::write_whole_file(one->placed, bytes));
    watched.push_back(*std::move(one));
  }
  watch(std::move(watched));
  return {};
}

// What came with the run is known by the name of what lies there.
void Reload::go_on(const std::vector<NamedFile>& files) {
  std::vector<Watched> watched;
  for (const auto& named : files) {
    auto one = script_of(named);
    if (!one) continue;
    const auto begins = one->stage + "." + one->param + ".";
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(one->placed.parent_path(), failed)) {
      const auto name = entry.path().filename().string();
      if (!name.starts_with(begins) || !is_sha256_hex(name.substr(begins.size()))) continue;
      one->placed = entry.path();
      one->runs = sha256_hex(file_text(entry.path()));
      watched.push_back(*one);
      break;
    }
  }
  watch(std::move(watched));
}

Result<Reload::Look> Reload::look(const std::stop_token& stop) {
  Look look;
  if (!files_) return look;
  const auto saved = files_->saved();
  // All are checked before the first is put in place: whoever begins meanwhile finds what runs.
  std::vector<Checked> news;
  for (auto& one : watched_) {
    if (!all_ && std::find(saved.begin(), saved.end(), one.file) == saved.end()) continue;
    RIDE_ASSIGN(auto checked, check(one, look, stop));
    if (checked) news.push_back(*std::move(checked));
  }
  for (const auto& one : news) place(one, look);
  all_ = false;
  return look;
}

// The bytes that were opened in a process of their own are those that workers get, whatever is saved meanwhile.
Result<std::optional<Reload::Checked>> Reload::check(Watched& one, Look& look, const std::stop_token& stop) {
  const auto bytes = bytes_of(one.file);
  if (!bytes.ok()) return std::optional<Checked>();  // removed again: what runs, runs
  const auto sum = sha256_hex(*bytes);
  if (sum == one.runs || sum == one.refused) return std::optional<Checked>();
  const auto name = one.file.filename().string();
  const auto tried = folder_ / "new" / name;
  std::error_code failed;
  fs::create_directories(tried.parent_path(), failed);
  auto fault = [&]() -> Result<std::string> {
    RIDE_TRY(process::write_whole_file(tried, *bytes));
    return fault_of(one, tried.string(), stop);
  }();
  fs::remove(tried, failed);
  if (!fault.ok() && fault.error().code == ErrorCode::cancelled) return fault.error();
  const auto why = fault.ok() ? *fault : fault.error().message;
  if (why.empty()) return std::optional(Checked{&one, *bytes, sum});
  refuse(one, sum, why, look);
  return std::optional<Checked>();
}

void Reload::refuse(Watched& one, const std::string& sha256, const std::string& why, Look& look) {
  one.refused = sha256;
  look.refused.push_back(fmt::format("{} has changed, and is not brought in: {}. Version {} goes on",
                                     one.file.filename().string(), why, one.version));
}

void Reload::place(const Checked& checked, Look& look) {
  auto& one = *checked.of;
  if (const auto placed = process::write_whole_file(one.placed, checked.bytes); !placed.ok())
    return refuse(one, checked.sha256, placed.error().message, look);
  one.runs = checked.sha256;
  one.refused.clear();
  auto text = fmt::format("{} has changed: version {}", one.file.filename().string(), ++one.version);
  if (std::find(look.placed.begin(), look.placed.end(), text) == look.placed.end())
    look.placed.push_back(std::move(text));
}

Result<std::string> Reload::fault_of(const Watched& one, const std::string& file, const std::stop_token& stop) const {
  if (one.stage.empty()) return fault_of_plugin(one, file, stop);
  for (const auto& stage : topology_.topology().stages()) {
    if (stage.name != one.stage) continue;
    auto params = stage.params;
    params[one.param] = file;
    return fault_of_stage(stage, std::move(params), plugins_with(one, file), stop);
  }
  return std::string();
}

// Master and topology know the parameters that it declared when all was started.
Result<std::string> Reload::fault_of_plugin(const Watched& one, const std::string& file,
                                            const std::stop_token& stop) const {
  const auto now = plugin::describe(file, {.stop = stop});
  if (!now.ok()) return now.error();
  RIDE_ASSIGN(const auto before, plugin::describe(one.placed.string(), {.stop = stop}));
  if (declared(*now) != declared(before))
    return std::string("it declares other tasks or parameters; end 'ride up' and start it again");
  for (const auto& stage : topology_.topology().stages()) {
    if (std::none_of(now->begin(), now->end(), [&](const TaskDecl& task) { return task.name == stage.task; })) continue;
    RIDE_ASSIGN(auto fault, fault_of_stage(stage, stage.params, plugins_with(one, file), stop));
    if (!fault.empty()) return fault;
  }
  return std::string();
}

Result<std::string> Reload::fault_of_stage(const topology::Stage& stage, ParamValues params,
                                           std::vector<std::string> plugins, const std::stop_token& stop) const {
  RIDE_ASSIGN(
      const auto report,
      run_try({.task = stage.task, .params = std::move(params), .plugins = std::move(plugins), .limit = kLongestOpen},
              folder_ / "new", stop));
  // The place is not the stage's: "task 'python' of stage try cannot be opened: count.py:2: ...".
  constexpr std::string_view kOpening = " cannot be opened: ";
  const auto at = report.error.find(kOpening);
  return at == std::string::npos ? report.error : report.error.substr(at + kOpening.size());
}

std::vector<std::string> Reload::plugins_with(const Watched& one, const std::string& file) const {
  std::vector<std::string> plugins;
  for (const auto& other : watched_)
    if (other.stage.empty()) plugins.push_back(&other == &one ? file : other.placed.string());
  return plugins;
}

}  // namespace ride::cli
