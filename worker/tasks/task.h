// The contract of a task: what a stage does to frames. One task object serves one worker thread.
// Call order: open, then process any number of times, finish at most once (the end of a finite input), close once;
// close follows also after a failed open. All calls come from the same thread. Failure: an Error from process() makes
// the outcome of the named frame `dead` (or, `retriable`, ends the incarnation); cv::Exception and std::exception are
// caught by the caller and count as an Error. A crash is handled by the platform.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/frame.h"
#include "common/param.h"
#include "common/result.h"
#include "common/task_decl.h"

namespace ride::tasks {

enum class Device { cpu, gpu };

struct TaskEnv {
  ParamValues params;  // checked against the declaration, defaults filled in
  Device device = Device::cpu;
  int threads = 1;         // compute threads that the task may use (cv::setNumThreads is already set to it)
  std::string job, stage;  // for messages
  std::int64_t run = 0;
  std::string worker;  // incarnation; sinks use it in names of temporary files
};

// Where a task puts its results. All that it emits between two calls belongs to the frame being processed, in order.
class Emitter {
 public:
  virtual ~Emitter() = default;
  // To the default output port, or a named one. A frame keeps the id of its input.
  virtual void emit(Frame frame) = 0;
  virtual void emit(const std::string& port, Frame frame) = 0;
  // A picture from the worker's pool: reused memory, contents undefined. Use it for outputs.
  virtual cv::Mat allocate(int rows, int cols, int type) = 0;
  // For sinks whose effect becomes durable only later (a video segment): the frame being processed stays without an ACK
  // until release(group), which ACKs all frames held under that group. False: this caller cannot hold, and the frame is
  // ACKed when process() returns. What is still held when the task closes, or its worker dies, is given to the next
  // owner again.
  virtual bool hold(const std::string& /*group*/) { return false; }
  virtual void release(const std::string& /*group*/) {}
  // Long tasks call this at least every few seconds, so that the watchdog does not take them for hung.
  virtual void progress() = 0;
};

class Task {
 public:
  virtual ~Task() = default;
  virtual Result<void> open(const TaskEnv& env) = 0;
  // One frame. Emitting nothing means "filtered" (sinks: "done"). Sinks return only when the effect is durable.
  virtual Result<void> process(const Frame& frame, Emitter& out) = 0;
  // The input has ended; what is still held back may be emitted.
  virtual Result<void> finish(Emitter& out);
  virtual void close();
};

// Built-in tasks, each with its declaration. `create` returns null for an unknown name.
const TaskCatalog& builtin_catalog();
std::unique_ptr<Task> create(const std::string& name);
// How a worker gets its tasks; tests give it tasks that misbehave.
using MakeTask = std::function<std::unique_ptr<Task>(const std::string& name)>;

}  // namespace ride::tasks
