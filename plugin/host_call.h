// What a plug-in may ask of RIDE during one call (RideCall), answered by the Emitter and the parameters of its task.
// Owner: the task that makes the call. Threads: the task's one. Failure: a question that does not fit, or for which
// there is no memory, is remembered: that is then why the call failed, whatever the plug-in returned.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/frame.h"
#include "plugin/library.h"
#include "worker/tasks/task.h"

namespace ride::plugin {

struct HostCall {
  const TaskDecl* declaration = nullptr;
  const ParamValues* params = nullptr;
  tasks::Emitter* out = nullptr;   // null: nothing can be emitted (open)
  const Frame* frame = nullptr;    // whose identity emitted frames get; null: none was seen
  bool may_pass = false;           // the frame is the input of this call
  std::vector<cv::Mat> allocated;  // in this call
  std::string said;                // the plug-in's own reason
  std::optional<Error> misuse;
  bool out_of_memory = false;

  RideCall table();  // valid while this object stays where it is
};

}  // namespace ride::plugin
