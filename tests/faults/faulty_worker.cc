// ride-worker with an `identity` that does to marked frames what bad code does:
// RIDE_TEST_FAULTS="crash=17,hang=23,memory=31" names them by number; "error" ends when the file RIDE_TEST_REPAIRED is
// there; "slow" takes five seconds over the first tile of a picture. All else is the product's.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "common/frame_tile.h"
#include "worker/program.h"

namespace {

using ride::tasks::Emitter;
using ride::tasks::Task;
using ride::tasks::TaskEnv;

std::map<std::int64_t, std::string> marked_frames() {
  std::map<std::int64_t, std::string> marks;
  const char* text = std::getenv("RIDE_TEST_FAULTS");
  std::istringstream in(text == nullptr ? "" : text);
  for (std::string one; std::getline(in, one, ',');)
    if (const auto equals = one.find('='); equals != std::string::npos)
      marks[std::stoll(one.substr(equals + 1))] = one.substr(0, equals);
  return marks;
}

[[noreturn]] void crash() {
  std::signal(SIGSEGV, SIG_DFL);
  std::raise(SIGSEGV);
  std::abort();
}

[[noreturn]] void hang() {
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

[[noreturn]] void grow() {
  std::vector<std::vector<char>> all;
  for (;;) {
    all.emplace_back(8 << 20, 'x');  // touched, so that it counts
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// Somebody has repaired the task: the file that RIDE_TEST_REPAIRED names is there.
bool is_repaired() {
  const char* file = std::getenv("RIDE_TEST_REPAIRED");
  return file != nullptr && std::filesystem::exists(file);
}

class Faulty final : public Task {
 public:
  ride::Result<void> open(const TaskEnv&) override { return {}; }
  ride::Result<void> process(const ride::Frame& frame, Emitter& out) override {
    if (const auto mark = marks_.find(frame.id.number); mark != marks_.end()) {
      if (mark->second == "crash") crash();
      if (mark->second == "hang") hang();
      if (mark->second == "memory") grow();
      if (const auto tile = ride::tile_of(frame.attributes); mark->second == "slow" && tile && tile->index == 0)
        std::this_thread::sleep_for(std::chrono::seconds(5));
      if (mark->second == "error" && !is_repaired())
        return ride::Error{ride::ErrorCode::invalid_argument, "told to fail"};
    }
    out.emit(frame);
    return {};
  }

 private:
  const std::map<std::int64_t, std::string> marks_ = marked_frames();
};

ride::tasks::TaskRegistry with_faulty_identity() {
  auto identity = *ride::tasks::builtin_tasks().find("identity");
  identity.make = [] { return std::make_unique<Faulty>(); };
  return ride::tasks::builtin_tasks().with(std::move(identity));
}

}  // namespace

int main(int argc, char** argv) { return ride::worker::run_program(argc, argv, with_faulty_identity()); }
