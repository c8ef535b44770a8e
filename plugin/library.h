// A plug-in that is loaded into this process (sdk/include/ride/plugin.h): its file looked at, its version checked, its
// tasks declared. Loading runs the plug-in's code, so whoever runs no task asks a child instead (plugin/describe.h).
// Owner: the process; a plug-in is never unloaded. Threads: open() from one at a time; an open one is constant.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "common/cause.h"
#include "common/result.h"
#include "common/task_decl.h"
#include "sdk/include/ride/plugin.h"

namespace ride::plugin {

struct PluginTaskApi {
  TaskDecl declaration;
  const RideTask* api = nullptr;  // valid until the process ends
};

struct Library {
  std::string file;
  std::string built_with;  // version of the SDK
  std::vector<PluginTaskApi> tasks;

  // Errors name the file, what is wrong with it and what to do.
  static Result<Library> open(const std::string& file);
};

// Of a plug-in's RidePlugin, as ride_plugin() returned it; for open() and tests. The message is the cause alone.
Result<Library> read_table(const RidePlugin* plugin);

// What a plug-in says, for messages: printable, cut behind 2,000 bytes. `text` may be null where the length is 0.
std::string words_of(const char* text, std::uint64_t length);

// Of an exception that left the plug-in in `call`, which it must not.
Error left_by_exception(const char* call, const std::string& what);

// What `work`, which is code of the plug-in, returns; an exception that leaves it is an Error.
template <class Work>
auto guarded(const char* call, Work work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (const std::exception& failure) {
    return left_by_exception(call, cause_of(failure));
  } catch (...) {
    return left_by_exception(call, "of an unknown type");
  }
}

}  // namespace ride::plugin
