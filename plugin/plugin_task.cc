#include "plugin/plugin_task.h"

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <utility>

#include "common/log.h"
#include "plugin/host_call.h"
#include "worker/tasks/picture.h"

namespace ride::plugin {
namespace {

RideText text_of(const std::string& text) { return {text.data(), text.size()}; }

class PluginTask final : public tasks::Task {
 public:
  explicit PluginTask(const PluginTaskApi& task) : declaration_(task.declaration), api_(*task.api) {}
  ~PluginTask() override {
    if (self_ != nullptr) quietly("destroy", api_.destroy);
  }
  PluginTask(const PluginTask&) = delete;
  PluginTask& operator=(const PluginTask&) = delete;

  Result<void> open(const tasks::TaskEnv& env) override {
    env_ = env;
    host_.declaration = &declaration_;
    host_.params = &env_.params;
    if (self_ == nullptr) {
      RIDE_ASSIGN(self_, guarded("create", [this] { return api_.create(&api_); }));
      if (self_ == nullptr)
        return Error{ErrorCode::internal, "the plug-in could not make its task (create() returned null)"};
    }
    opened_ = true;
    const RideOpen open{sizeof open, env_.threads, text_of(env_.job), text_of(env_.stage), env_.run};
    return call("open", [&](const RideCall& table) { return api_.open(self_, &open, &table); });
  }

  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    const cv::Mat& image = frame.image;
    if (image.empty() || image.dims != 2)
      return Error{ErrorCode::invalid_argument, tasks::place(env_, frame) + ": the picture is empty"};
    const RidePicture picture{sizeof picture, image.rows,    image.cols, image.channels(),
                              image.depth(),  image.step[0], image.data};
    const RideFrame in{
        sizeof in,
        &picture,
        text_of(frame.id.source),
        frame.id.session.value,
        frame.id.number,
        std::chrono::duration_cast<std::chrono::microseconds>(frame.captured_at.time_since_epoch()).count()};
    if (api_.finish != nullptr) last_ = tasks::with_image(frame, {});
    host_.out = &out;
    host_.frame = &frame;
    host_.may_pass = true;
    auto done = call("process", [&](const RideCall& table) { return api_.process(self_, &in, &table); });
    if (!done.ok())
      return Error{done.error().code, tasks::place(env_, frame) + ": " + done.error().message, done.error().retriable};
    return done;
  }

  Result<void> finish(tasks::Emitter& out) override {
    if (api_.finish == nullptr) return {};
    host_.out = &out;
    host_.frame = last_ ? &*last_ : nullptr;
    return call("finish", [&](const RideCall& table) { return api_.finish(self_, &table); });
  }

  void close() override {
    if (std::exchange(opened_, false) && api_.close != nullptr) quietly("close", api_.close);
  }

 private:
  template <class Work>
  Result<void> call(const char* what, Work work) {
    host_.said.clear();
    host_.misuse.reset();
    host_.out_of_memory = false;
    const RideCall table = host_.table();
    auto done = judged(what, table, work);
    host_.allocated.clear();  // back into the pool, but for what was emitted
    host_.out = nullptr;
    host_.frame = nullptr;
    host_.may_pass = false;
    return done;
  }

  template <class Work>
  Result<void> judged(const char* what, const RideCall& table, Work& work) {
    RIDE_ASSIGN(const std::int32_t status, guarded(what, [&] { return work(table); }));
    if (host_.out_of_memory)
      return Error{ErrorCode::resource_exhausted,
                   fmt::format("there is no memory for what the plug-in asks for in {}(). Give the worker more, or "
                               "take smaller pictures",
                               what)};
    if (host_.misuse)
      return Error{host_.misuse->code,
                   fmt::format("the plug-in breaks its contract in {}(): {}", what, host_.misuse->message)};
    if (status == RIDE_OK) return {};
    if (status != RIDE_FAILED && status != RIDE_RETRY)
      return Error{ErrorCode::internal, fmt::format("the plug-in breaks its contract: {}() returned {}, which is no "
                                                    "status",
                                                    what, status)};
    const auto why =
        host_.said.empty() ? fmt::format("{}() failed, and the plug-in does not say why", what) : host_.said;
    if (status == RIDE_RETRY) return Error{ErrorCode::unavailable, why, true};
    return Error{ErrorCode::invalid_argument, why};
  }

  void quietly(const char* what, void (*end)(void*)) noexcept {
    try {
      const auto done = guarded(what, [&] { return end(self_), true; });
      if (!done.ok()) log_warning("task {}: {}", declaration_.name, done.error().message);
    } catch (...) {  // there is no memory to say so
    }
  }

  const TaskDecl& declaration_;
  const RideTask& api_;
  tasks::TaskEnv env_;
  HostCall host_;
  void* self_ = nullptr;
  bool opened_ = false;
  std::optional<Frame> last_;  // without its picture; of tasks that have finish()
};

}  // namespace

tasks::TaskType task_type_of(const PluginTaskApi& task) {
  return {task.declaration, [&task] { return std::make_unique<PluginTask>(task); }};
}

}  // namespace ride::plugin
