// identity: each frame goes on as it came.
#include "worker/tasks/register_task.h"

namespace ride::tasks::identity {
namespace {

TaskDecl declaration() {
  return {.name = "identity",
          .doc = "Passes each frame on as it came, encoded bytes included.",
          .halo = [](const ParamValues&) { return 0; }};
}

class Identity : public Task {
 public:
  Result<void> open(const TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, Emitter& out) override {
    out.emit(frame);
    return {};
  }
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Identity)

}  // namespace ride::tasks::identity
