#include "plugin/plugin_tasks.h"

#include <memory>
#include <mutex>

#include "common/json.h"
#include "plugin/describe.h"
#include "plugin/plugin_task.h"

namespace ride::plugin {
namespace {

// Kept until the process ends, as what is made of it.
const Library& kept(Library library) {
  static std::mutex mutex;
  static auto* const kAll = new std::vector<std::unique_ptr<const Library>>;
  const std::lock_guard lock(mutex);
  kAll->push_back(std::make_unique<const Library>(std::move(library)));
  return *kAll->back();
}

}  // namespace

Result<tasks::TaskRegistry> with_plugins(tasks::TaskRegistry tasks, const std::vector<std::string>& files) {
  NameOwners owners(tasks.catalog());
  for (const auto& file : different_files(files)) {
    RIDE_ASSIGN(auto opened, Library::open(file));
    const auto& library = kept(std::move(opened));
    for (const auto& task : library.tasks) {
      RIDE_TRY(owners.add(task.declaration.name, file));
      tasks = tasks.with(task_type_of(task));
    }
  }
  return tasks;
}

Result<std::string> describe_here(const std::string& file) {
  RIDE_ASSIGN(const auto library, Library::open(file));
  auto list = nlohmann::json::array();
  for (const auto& task : library.tasks)
    list.push_back(nlohmann::json::parse(std::string_view(task.api->declaration.data, task.api->declaration.size)));
  return nlohmann::json{{"plugin", file}, {"abi", RIDE_PLUGIN_ABI}, {"built_with", library.built_with}, {"tasks", list}}
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

}  // namespace ride::plugin
