// How a task comes into the binary. Its file NAME.cc holds namespace ride::tasks::NAME, and within it, unnamed,
// everything that it is made of: its options (params.h), `TaskDecl declaration()`, and its class; at the end
// RIDE_REGISTER_TASK(declaration, Class). The list of tasks in CMakeLists.txt names it, and the registry that CMake
// generates from the list calls what is defined here.
//
// Why a list and no registration by a static object: a static library drops an object file that nobody refers to, and
// with it the task, silently. A task that stands in the list and registers nothing is an error of the linker that
// names it.
//
// The same file is compiled twice. For workers as it is; for programs that run no task (master, CLI) with
// RIDE_TASK_DECLARATIONS_ONLY, where nothing makes an object of the class, so that the compiler leaves its code out and
// those programs link no image code. For that the file's own functions and variables stand in the unnamed namespace,
// and no variable outside a function needs OpenCV: else the linker of ride-master misses what it needs. All files are
// one source for the compiler there; the namespace of each keeps their names apart.
#pragma once

#include "worker/tasks/params.h"
#include "worker/tasks/task_registry.h"

#ifdef RIDE_TASK_DECLARATIONS_ONLY
#define RIDE_REGISTER_TASK(declaration, Class) \
  TaskDecl declared() { return declaration(); }
#else
#define RIDE_REGISTER_TASK(declaration, Class)                        \
  TaskType registered() {                                             \
    return {declaration(), [] { return std::make_unique<Class>(); }}; \
  }
#endif
