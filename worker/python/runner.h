// Runner: a user's Python class as a task: a child that is started, asked, watched and started again. Owner: one task
// object. Threads: one. Copies of a picture: one into the child, one out; none out where the input is passed on.
// Failure: open() says what to install or to mend; process() what the class raised, with the line, or how its process
// ended, twice for one frame (attempts.h). An exception of the emitter's memory is an Error as well.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame.h"
#include "common/json.h"
#include "common/result.h"
#include "worker/python/attempts.h"
#include "worker/python/child.h"
#include "worker/python/reply.h"
#include "worker/python/shared_memory.h"
#include "worker/tasks/task.h"

namespace ride::python {

struct RunnerPlan {
  std::filesystem::path file;  // the script
  std::string name;            // what it is called in messages: "count_by_color.py"
  std::string class_name;      // empty: the one that is there
  nlohmann::json values = nlohmann::json::object();
  std::string interpreter = "python3";
  std::int64_t memory = std::int64_t{2} << 30;
  std::chrono::milliseconds timeout{30000};
  std::chrono::milliseconds open_timeout{120000};
  std::string stage;
  int threads = 1;
  std::vector<std::string> ports = {"out"};
};

class Runner {
 public:
  explicit Runner(RunnerPlan plan) : plan_(std::move(plan)) {}
  ~Runner();

  Result<void> open();
  Result<void> process(const Frame& frame, tasks::Emitter& out);
  Result<void> finish(tasks::Emitter& out);
  void close();

  std::optional<pid_t> child() const;  // for tests

 private:
  struct Asked;
  struct Answer {
    Attempt attempt = Attempt::done;
    std::string what;              // all but `done`: what happened
    std::optional<Error> refused;  // it could not be asked at all
  };

  Result<void> start(tasks::Emitter* out);
  std::optional<Answer> start_again(tasks::Emitter& out);  // nothing: it runs
  Result<void> await_ready(tasks::Emitter* out);
  Result<void> work(const Frame& frame, tasks::Emitter& out);
  static Result<void> deliver(Asked& asked);
  Answer ask(Asked& asked);
  Answer converse(Asked& asked);
  Result<void> hand_over(const Frame& frame, nlohmann::json& request, int& descriptor);
  std::optional<Answer> take_all(Asked& asked, std::string_view lines);
  std::optional<Answer> take(Asked& asked, const Reply& reply);
  Result<void> give_slot(const SlotWanted& wanted);
  Result<void> take_picture(Asked& asked, const Emitted& emitted);
  void drop(const std::vector<int>& slots);
  Answer ended();
  Answer stopped(Attempt attempt, std::string what);
  Result<void> say(const nlohmann::json& message, int descriptor = -1);
  bool uses_too_much() const;
  void forget_child();

  RunnerPlan plan_;
  std::unique_ptr<Child> child_;
  std::optional<SharedMemory> input_;
  std::int64_t input_number_ = 0;  // of input_: the child compares it with the one that it has
  bool input_is_known_ = false;    // it was given to the child
  int next_number_ = 0;
  std::map<int, SharedMemory> slots_;  // for outputs
  std::optional<Frame> last_;          // what finish() emits has its name
};

}  // namespace ride::python
