// What a task says about itself before any of its code runs: the topology parser checks files against it, `ride tasks`
// and the reference page print it. Declarations are data, so that a process that never runs the task (master, CLI) can
// hold them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/param.h"

namespace ride {

// The files that a sink writes: for the topology, which checks that no two frames get the same name, and for whoever
// looks for them afterwards (`ride run`, the ledger).
struct FilesDecl {
  enum class Hold {
    frame,    // one frame each
    segment,  // the frames of one source from a number on
    lines,    // a line for each frame, appended
  };
  const char* param = nullptr;  // the parameter that is the template of their names; null: the task writes no files
  Hold hold = Hold::frame;
  std::vector<std::string> fields;  // placeholders that the template may use, without braces
  // Of `lines`: the parameter that is 'json' where each line is an object with source, session and number. Null: none
  // is.
  const char* format_param = nullptr;
};

// What a task does to pictures that are worked on in parts (common/frame_tile.h, decision 0037).
enum class TileRole {
  none,   // with a halo: may stand between the other two
  cuts,   // makes tiles of a picture
  joins,  // makes a picture of its tiles: it is given all of them, in order, one after the other
};

struct TaskDecl {
  std::string name;  // "gaussian_blur"
  std::string doc;   // one or two sentences; the method's source where it computes
  std::vector<ParamSpec> params;
  std::vector<std::string> outputs = {"out"};  // named output ports; the first is the default one; empty for sinks
  bool sink = false;                           // ends the flow: writes files or discards; may stand under `sinks:`
  bool needs_order = false;                    // wants each source's frames in order: needs partition_by: source
  FilesDecl files;                             // of sinks
  int warmup_frames = 0;  // accepted frames of each source that a new owner is fed without emitting
  bool gpu = false;       // a CUDA variant exists
  // open() takes long and an open task costs little: a worker opens those of its share before frames come.
  bool opens_ahead = false;
  // Rows (and columns) of neighbours on each side that a pixel of the output depends on; empty: not splittable. A
  // plug-in's is made of what it declares.
  std::function<int(const ParamValues&)> halo;
  TileRole tiles = TileRole::none;
  // A rule over several parameters, for example "low is not above high": returns what is wrong, or nothing. May be
  // null. It sees names of files without kNodePrefix.
  std::optional<std::string> (*rule)(const ParamValues&) = nullptr;
};

// check_params() and then the task's own rule. Error (invalid_argument): without a place.
Result<ParamValues> check_task_params(const TaskDecl& task, const ParamValues& given);

// Ordered by name. Value semantics; safe to share when const.
class TaskCatalog {
 public:
  explicit TaskCatalog(std::vector<TaskDecl> declarations);
  const TaskDecl* find(const std::string& name) const;  // null when unknown
  const std::vector<TaskDecl>& all() const { return declarations_; }
  std::vector<std::string> names() const;

 private:
  std::vector<TaskDecl> declarations_;
};

}  // namespace ride
