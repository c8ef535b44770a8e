// discard: the end of a flow that nobody keeps.
#include "worker/tasks/register_task.h"

namespace ride::tasks::discard {
namespace {

TaskDecl declaration() {
  return {.name = "discard", .doc = "Takes each frame and does nothing with it.", .outputs = {}, .sink = true};
}

class Discard : public Task {
 public:
  Result<void> open(const TaskEnv&) override { return {}; }
  Result<void> process(const Frame&, Emitter&) override { return {}; }
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Discard)

}  // namespace ride::tasks::discard
