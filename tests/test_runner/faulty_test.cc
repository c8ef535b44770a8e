// ride-test with an `identity` that does what the frame's attribute "do" says: crash, hang, throw, wait (an error that
// may pass) or keep (until the input ends). All else is the product's.
#include <csignal>
#include <optional>
#include <stdexcept>
#include <thread>

#include "test_runner/program.h"

namespace {

class Faulty final : public ride::tasks::Task {
 public:
  ride::Result<void> open(const ride::tasks::TaskEnv&) override { return {}; }
  ride::Result<void> process(const ride::Frame& frame, ride::tasks::Emitter& out) override {
    const auto found = frame.attributes.find("do");
    const std::string act = found == frame.attributes.end() ? "" : found->second;
    if (act == "crash") {
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
    }
    while (act == "hang") std::this_thread::sleep_for(std::chrono::seconds(1));
    if (act == "throw") throw std::runtime_error("thrown on purpose");
    if (act == "wait") return ride::Error{ride::ErrorCode::resource_exhausted, "the disk is full", true};
    if (act == "keep")
      kept_ = frame;
    else
      out.emit(frame);
    return {};
  }
  ride::Result<void> finish(ride::tasks::Emitter& out) override {
    if (kept_) out.emit(*kept_);
    return {};
  }

 private:
  std::optional<ride::Frame> kept_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto& registry = ride::tasks::builtin_tasks();
  return ride::test_runner::run_program(
      argc, argv, registry.with({registry.find("identity")->declaration, [] { return std::make_unique<Faulty>(); }}));
}
