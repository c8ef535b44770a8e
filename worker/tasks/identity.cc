// identity: each frame goes on as it came.
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class Identity : public Task {
 public:
  Result<void> open(const TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, Emitter& out) override {
    out.emit(frame);
    return {};
  }
};

}  // namespace

std::unique_ptr<Task> make_identity() { return std::make_unique<Identity>(); }

}  // namespace ride::tasks
