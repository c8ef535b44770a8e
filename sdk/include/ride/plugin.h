// The C interface between RIDE and a plug-in: a shared library (.so) with any number of tasks, which exports one
// function, ride_plugin(). C++ plug-ins use ride/task.h, which is built on this and needs none of it written by hand.
//
// Version: RIDE_PLUGIN_ABI. A RIDE loads a plug-in of its own version only. Within a version, structs grow at their
// end alone: each begins with its own size in bytes, as its writer was compiled, and a reader looks at no field beyond
// it. The first two fields of RidePlugin stay where they are in every version.
// Owner: who makes memory frees it. What a plug-in returns from ride_plugin() stays valid and unchanged until the
// process ends (a plug-in is never unloaded). What RIDE passes to a call is valid until that call returns, and the
// values of parameters until the task object is destroyed. Pictures: see RidePicture.
// Threads: RIDE makes a task object for each partition, and calls each from one thread, one call at a time; different
// objects may be called on different threads at once. A plug-in may have threads of its own, but they must not call
// RideCall's functions, and must not touch pictures after the call has returned.
// Call order: create, open, process any number of times, finish at most once (the input has ended), close, destroy.
// close follows open also where open failed.
// Failure: a call returns RIDE_OK or another status, and says why with RideCall.set_error. No exception may leave a
// plug-in's function; one that does is caught where that is possible, and is a failure of the call. A plug-in that
// crashes ends its process, as a built-in task does: RIDE starts it again, and a frame that does so repeatedly is dead.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIDE_PLUGIN_ABI 1

// What a call returns.
#define RIDE_OK 0
#define RIDE_FAILED 1  // for good: open ends the job, process makes the frame dead
#define RIDE_RETRY 2   // process: it may succeed later (a full disk): the frame is given again, and the partition waits

// Depths of pixels, with OpenCV's numbers.
#define RIDE_8U 0
#define RIDE_16U 2
#define RIDE_32F 5  // 0 to 1

typedef struct RideText {
  const char* data;  // UTF-8, not ended by a zero
  uint64_t size;     // bytes
} RideText;

// A view of pixels: rows of `cols * channels` values, `step` bytes from one row to the next; BGR order for 3 channels.
// An input is read-only: it may lie in memory that others read, or that cannot be written. An output comes from
// RideCall.allocate, its contents undefined; it may be written until it is emitted.
typedef struct RidePicture {
  uint64_t size;
  int32_t rows, cols;
  int32_t channels;  // 1 to 4
  int32_t depth;     // RIDE_8U, ...
  uint64_t step;
  void* data;
} RidePicture;

typedef struct RideFrame {
  uint64_t size;
  const RidePicture* picture;
  RideText source;  // who captured it
  int64_t session;
  int64_t number;          // from 0 within the session
  int64_t captured_at_us;  // microseconds since 1970, UTC
} RideFrame;

typedef struct RideOpen {
  uint64_t size;
  int32_t threads;  // that the task may compute with
  RideText job, stage;
  int64_t run;
} RideOpen;

// What a plug-in asks of RIDE during a call; `call` is the pointer that it was given. Those that return a status return
// RIDE_OK, or RIDE_FAILED, which makes the whole call fail with RIDE's own reason, whatever it returns.
typedef struct RideCall {
  uint64_t size;
  void* host;  // RIDE's own

  // Why this call fails, for people; copied at once. The last one counts; RIDE adds stage and frame.
  void (*set_error)(const struct RideCall* call, const char* text, uint64_t length);
  // Long calls say at least every few seconds that they go on.
  void (*progress)(const struct RideCall* call);

  // A parameter by its name, as declared: checked, the default filled in.
  int32_t (*get_boolean)(const struct RideCall* call, const char* name, int32_t* value);
  int32_t (*get_integer)(const struct RideCall* call, const char* name, int64_t* value);
  int32_t (*get_number)(const struct RideCall* call, const char* name, double* value);
  int32_t (*get_string)(const struct RideCall* call, const char* name, RideText* value);

  // A picture to write into; `picture->size` is set by the caller. In process and finish.
  int32_t (*allocate)(const struct RideCall* call, int32_t rows, int32_t cols, int32_t channels, int32_t depth,
                      RidePicture* picture);
  // Sends on a picture of allocate(), as it was given, under the identity of the frame that is processed (finish: of
  // the last one). `port`: a declared output; of length 0: the first one. It may be emitted on several ports.
  int32_t (*emit)(const struct RideCall* call, const char* port, uint64_t port_length, const RidePicture* picture);
  // Sends on the frame as it came, without a copy. In process.
  int32_t (*pass)(const struct RideCall* call, const char* port, uint64_t port_length);
} RideCall;

typedef struct RideTask {
  uint64_t size;
  RideText declaration;  // JSON: name, doc, parameters, ports, halo (sdk/README.md)
  void* user;            // the plug-in's own
  // A task object, which the other functions are given as `self`. NULL: it cannot be made.
  void* (*create)(const struct RideTask* task);
  int32_t (*open)(void* self, const RideOpen* open, const RideCall* call);
  // Emitting nothing means that the frame is filtered out.
  int32_t (*process)(void* self, const RideFrame* frame, const RideCall* call);
  int32_t (*finish)(void* self, const RideCall* call);  // NULL: nothing is held back
  void (*close)(void* self);                            // NULL: nothing to do
  void (*destroy)(void* self);
} RideTask;

typedef struct RidePlugin {
  uint64_t size;
  uint32_t abi;  // RIDE_PLUGIN_ABI, as the plug-in was compiled
  uint32_t task_count;
  const RideTask* const* tasks;
  RideText built_with;  // of which RIDE's SDK, for people
  RideText error;       // not empty: the plug-in cannot state its tasks, and why
} RidePlugin;

#if defined(__GNUC__)
#define RIDE_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define RIDE_PLUGIN_EXPORT
#endif

// The one function that a plug-in exports. `host_abi`: RIDE's version. Called once, before anything else.
RIDE_PLUGIN_EXPORT const RidePlugin* ride_plugin(uint32_t host_abi);

#ifdef __cplusplus
}
#endif
