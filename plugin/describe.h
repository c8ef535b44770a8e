// What plug-ins declare, for programs that run no task (ride, ride-master, ride-agent): asked of a child, since loading
// a plug-in runs its code, which may crash, hang or write. The child is `ride-worker --describe-plugin`. Threads: one.
// Failure: an Error names the plug-in, what happened to the child and what to do.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/task_decl.h"

namespace ride::plugin {

inline constexpr std::uintmax_t kMostPluginBytes = 256 << 20;  // of one that comes with a job

struct DescribeOptions {
  std::filesystem::path worker = {};  // the program; empty: ride-worker beside this one
  std::chrono::milliseconds limit = std::chrono::seconds(20);
  std::stop_token stop = {};  // ends the child: cancelled
};

// The tasks of one plug-in, checked as foreign input.
Result<std::vector<TaskDecl>> describe(const std::string& file, const DescribeOptions& options = {});

// The same with its text: the declarations as a JSON list, for who parses them elsewhere (parse_tasks()).
struct Description {
  std::vector<TaskDecl> tasks;
  std::string json;
};
Result<Description> describe_whole(const std::string& file, const DescribeOptions& options = {});
// corrupt: no list of 1 to kMostTasks declarations. `file`: for messages.
Result<std::vector<TaskDecl>> parse_tasks(const nlohmann::json& list, const std::string& file);

// The tasks of `tasks` and of the plug-ins. already_exists: a name is taken.
Result<TaskCatalog> catalog_with(const TaskCatalog& tasks, const std::vector<std::string>& files,
                                 const DescribeOptions& options = {});
// ... and of one that was described.
Result<TaskCatalog> catalog_with(const TaskCatalog& tasks, const std::vector<TaskDecl>& described,
                                 const std::string& file);

// What two plug-ins, or a plug-in and RIDE, cannot both have.
class NameOwners {
 public:
  explicit NameOwners(const TaskCatalog& builtin);
  Result<void> add(const std::string& task, const std::string& file);

 private:
  std::map<std::string, std::string> owners_;  // empty: built in
};

// Each file once, in order; absolute, so that a child with another working folder finds them.
std::vector<std::string> different_files(const std::vector<std::string>& files);

// What the child writes: the declarations (plugin/plugin_tasks.h), or why there are none. For describe(), the child and
// tests. corrupt: it is not what a worker of this version writes.
Result<std::vector<TaskDecl>> parse_description(const std::string& text, const std::string& file);
std::string refusal_to_json(const Error& why);

}  // namespace ride::plugin
