// The contract of a task: what a stage does to frames. Owner: each partition that a worker owns has a task object of
// its own (decision 0003), which may keep state. Threads: one, the worker's compute thread, calls all of them.
// Call order: open, then process any number of times, finish at most once (the end of a finite input), close once;
// close follows also after a failed open. Failure: an Error from open() fails the job. One from process() makes the
// outcome of the frame `dead`; where it is `retriable` (a full disk), process() is called again with the same frame,
// and those of its set, until it succeeds, while the partition waits, visibly (decision 0004). An exception
// (cv::Exception, std::exception) is caught by the caller and is an Error that is not retriable. A crash is handled by
// the platform (decision 0007).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/frame.h"
#include "common/param.h"
#include "common/result.h"

namespace ride::tasks {

enum class Device { cpu, gpu };

struct TaskEnv {
  ParamValues params;  // checked against the declaration, defaults filled in
  Device device = Device::cpu;
  int threads = 1;         // compute threads that the task may use (cv::setNumThreads is already set to it)
  std::string job, stage;  // for messages
  std::int64_t run = 0;
  std::string worker;                        // incarnation; sinks use it in names of temporary files
  std::map<std::string, std::string> files;  // by parameter: where a file that was shipped lies on this machine
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
  // For sinks that wait for a disk: `work` is run on another thread, while the next frames are taken through the task,
  // and gives the frame's outcome, by the rules of process(): a retriable Error is tried again, visibly, another one
  // makes the frame dead. The ACK follows when it succeeded. It may outlive process(), not the task. At most once a
  // frame. False: this caller has no such thread; do it at once.
  virtual bool defer(const std::function<Result<void>()>& /*work*/) { return false; }
  // Long tasks call this at least every few seconds, so that the watchdog does not take them for hung.
  virtual void progress() = 0;
};

class Task {
 public:
  virtual ~Task() = default;
  virtual Result<void> open(const TaskEnv& env) = 0;
  // One frame. Emitting nothing means "filtered" (sinks: "done"). Sinks return only when the effect is durable.
  virtual Result<void> process(const Frame& frame, Emitter& out) = 0;
  // Whether a frame that comes as an encoded picture (`image` is empty here) must be decoded for process(). Not asked
  // for pictures of others, whose bytes nobody has checked.
  virtual bool needs_pixels(const Frame& /*encoded*/) const { return true; }
  // The input has ended; what is still held back may be emitted.
  virtual Result<void> finish(Emitter& out);
  virtual void close();
};

}  // namespace ride::tasks
