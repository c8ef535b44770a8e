// The tasks of a worker with those of plug-ins. Loading runs their code in this process. Threads: one. Failure: an
// Error names the plug-in, cause and fix; nothing is changed then. What was loaded stays until the process ends.
#pragma once

#include <string>
#include <vector>

#include "worker/tasks/task_registry.h"

namespace ride::plugin {

// already_exists: a task has the name of a built-in one, or two plug-ins have the same.
Result<tasks::TaskRegistry> with_plugins(tasks::TaskRegistry tasks, const std::vector<std::string>& files);

// What `ride-worker --describe-plugin FILE` prints (plugin/describe.h reads it): JSON with the declarations.
Result<std::string> describe_here(const std::string& file);

}  // namespace ride::plugin
