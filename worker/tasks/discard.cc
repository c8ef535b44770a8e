// discard: the end of a flow that nobody keeps.
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class Discard : public Task {
 public:
  Result<void> open(const TaskEnv&) override { return {}; }
  Result<void> process(const Frame&, Emitter&) override { return {}; }
};

}  // namespace

std::unique_ptr<Task> make_discard() { return std::make_unique<Discard>(); }

}  // namespace ride::tasks
