#include <iterator>

#include "worker/tasks/declarations.h"
#include "worker/tasks/task.h"

namespace ride::tasks {
namespace {

std::vector<TaskDecl> all_declarations() {
  std::vector<TaskDecl> all = filter_declarations();
  for (auto* more : {people_declarations, sink_declarations}) {
    auto declarations = more();
    std::move(declarations.begin(), declarations.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const TaskCatalog& builtin_catalog() {
  static const TaskCatalog kCatalog(all_declarations());
  return kCatalog;
}

}  // namespace ride::tasks
