#include "plugin/library.h"

#include <dlfcn.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>

#include "common/text.h"
#include "plugin/declaration.h"
#include "plugin/elf_file.h"

namespace ride::plugin {
namespace {

constexpr std::size_t kMostWords = 2000;
constexpr const char* kSymbol = "ride_plugin";
// Of version 1; a plug-in that was compiled with a later header has longer ones.
constexpr std::uint64_t kPluginBytes = sizeof(RidePlugin), kTaskBytes = sizeof(RideTask);

Error cause(ErrorCode code, std::string what) { return {code, std::move(what)}; }

Result<PluginTaskApi> read_task(const RideTask* task, std::uint32_t number) {
  const auto broken = [number](const std::string& what) {
    return cause(ErrorCode::corrupt, fmt::format("its task {} {}", number + 1, what));
  };
  if (task == nullptr) return broken("is a null pointer");
  if (task->size < kTaskBytes)
    return broken(fmt::format("has {} bytes of functions, and {} are needed", task->size, kTaskBytes));
  if (task->create == nullptr || task->open == nullptr || task->process == nullptr || task->destroy == nullptr)
    return broken("lacks one of the functions create, open, process and destroy");
  if (task->declaration.data == nullptr || task->declaration.size > kMostDeclarationBytes)
    return broken(fmt::format("has no declaration of at most {} bytes", kMostDeclarationBytes));
  RIDE_ASSIGN(auto declaration, parse_declaration(std::string_view(task->declaration.data, task->declaration.size)));
  return PluginTaskApi{std::move(declaration), task};
}

Result<const RidePlugin*> call_entry(void* handle) {
  ::dlerror();
  const auto entry = reinterpret_cast<decltype(&ride_plugin)>(::dlsym(handle, kSymbol));
  if (entry == nullptr)
    return cause(
        ErrorCode::invalid_argument,
        fmt::format("is a shared library, but no plug-in of RIDE: it has no function {}(). RIDE_PLUGIN(...) of "
                    "ride/task.h exports it",
                    kSymbol));
  return guarded(kSymbol, [&] { return entry(RIDE_PLUGIN_ABI); });
}

Result<Library> load(const std::string& file) {
  // Constructors of the library's own objects run.
  RIDE_ASSIGN(auto* const handle, guarded("loading it", [&] { return ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); }));
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return cause(ErrorCode::invalid_argument,
                 fmt::format("cannot be loaded: {}. Install the libraries that it needs, or build it for this machine",
                             why == nullptr ? "for an unknown reason" : one_line(why)));
  }
  RIDE_ASSIGN(const auto* plugin, call_entry(handle));  // never closed: its code may be in use until the end
  return read_table(plugin);
}

}  // namespace

Error left_by_exception(const char* call, const std::string& what) {
  return {ErrorCode::internal,
          fmt::format("an exception left the plug-in in {} (it must catch its own): {}", call, one_line(what))};
}

std::string words_of(const char* text, std::uint64_t length) {
  if (text == nullptr || length == 0) return {};
  const bool cut = length > kMostWords;
  return one_line({text, cut ? kMostWords : static_cast<std::size_t>(length)}) + (cut ? " ..." : "");
}

Result<Library> read_table(const RidePlugin* plugin) {
  if (plugin == nullptr) return cause(ErrorCode::corrupt, "ride_plugin() returns a null pointer: it ran out of memory");
  // The version comes first: of another one nothing else is known.
  if (plugin->size < offsetof(RidePlugin, task_count))
    return cause(ErrorCode::corrupt, "what ride_plugin() returns is too small to be of any version");
  if (plugin->abi != RIDE_PLUGIN_ABI)
    return cause(ErrorCode::unsupported, fmt::format("was built for version {} of RIDE's plug-in interface, and this "
                                                     "RIDE has version {}. Build it anew with the SDK of this RIDE",
                                                     plugin->abi, RIDE_PLUGIN_ABI));
  if (plugin->size < kPluginBytes)
    return cause(ErrorCode::corrupt,
                 fmt::format("its table has {} bytes, and {} are needed", plugin->size, kPluginBytes));
  if (plugin->error.size > 0)
    return cause(ErrorCode::invalid_argument,
                 "cannot state its tasks: " + words_of(plugin->error.data, plugin->error.size));
  if (plugin->task_count == 0 || plugin->task_count > kMostTasks || plugin->tasks == nullptr)
    return cause(ErrorCode::corrupt, fmt::format("has {} tasks; 1 to {} are allowed", plugin->task_count, kMostTasks));
  Library library;
  library.built_with = words_of(plugin->built_with.data, plugin->built_with.size);
  for (std::uint32_t i = 0; i < plugin->task_count; ++i) {
    RIDE_ASSIGN(auto task, read_task(plugin->tasks[i], i));
    const auto same = [&](const PluginTaskApi& one) { return one.declaration.name == task.declaration.name; };
    if (std::any_of(library.tasks.begin(), library.tasks.end(), same))
      return cause(ErrorCode::invalid_argument, fmt::format("two of its tasks are named '{}'", task.declaration.name));
    library.tasks.push_back(std::move(task));
  }
  return library;
}

Result<Library> Library::open(const std::string& file) {
  RIDE_TRY(check_file(file));
  std::error_code failed;
  auto path = std::filesystem::absolute(file, failed);  // a name without '/' would be looked for elsewhere
  auto library = load(failed ? file : path.string());
  if (!library.ok()) return Error{library.error().code, fmt::format("plug-in {}: {}", file, library.error().message)};
  library->file = file;
  return library;
}

}  // namespace ride::plugin
