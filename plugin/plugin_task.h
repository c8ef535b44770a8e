// A task of a plug-in as a worker runs it: frames go in as views without a copy, pictures come out in the worker's
// pool. Owner and threads: as worker/tasks/task.h says. Failure: whatever the plug-in hands back is checked before it
// is used (sizes, pointers, ports, statuses, texts); what does not fit is an Error that names the task, and an
// exception that left it, too. What a plug-in writes beyond its pictures cannot be seen: it is code in this process.
//
// Not in version 1 of the interface: attributes, hold and defer (worker/tasks/task.h). A frame that is emitted keeps
// the attributes of its input.
#pragma once

#include "plugin/library.h"
#include "worker/tasks/task_registry.h"

namespace ride::plugin {

// `task` outlives what is made of it: the parts of a Library do, in a process that keeps it.
tasks::TaskType task_type_of(const PluginTaskApi& task);

}  // namespace ride::plugin
