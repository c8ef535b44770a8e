// Tasks of a plug-in in C++, on top of ride/plugin.h: a class with its parameters, and one line that exports it.
// Header only; needs C++20 and nothing of RIDE or OpenCV (ride/opencv.h has views as cv::Mat). Threads, owners and the
// order of calls: as ride/plugin.h says. Failure: an exception that leaves open, process, finish or the constructor is
// the failure of that call, with its text; Retry makes the frame come again.
//
//   #include <ride/task.h>
//   struct Options { int by = 10; };
//   class Brighten : public ride::sdk::Task { ... };      // sdk/README.md, sdk/examples/vignette
//   RIDE_PLUGIN(Brighten)
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ride/plugin.h"

#ifndef RIDE_SDK_VERSION
#define RIDE_SDK_VERSION "unknown"
#endif

namespace ride::sdk {

// process: the same frame is to be given again later.
struct Retry : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Depth : std::int32_t { u8 = RIDE_8U, u16 = RIDE_16U, f32 = RIDE_32F };

// Pixels that somebody else owns; see RidePicture.
template <class Byte>
struct View {
  int rows = 0, cols = 0, channels = 0;
  Depth depth = Depth::u8;
  std::size_t step = 0;  // bytes from one row to the next
  Byte* data = nullptr;

  // Of the type of the depth: std::uint8_t, std::uint16_t or float.
  template <class Value>
  auto* row(int number) const {
    using Wanted = std::conditional_t<std::is_const_v<Byte>, const Value, Value>;
    return reinterpret_cast<Wanted*>(data + step * static_cast<std::size_t>(number));
  }
  int values_in_row() const { return cols * channels; }
};
using Picture = View<const std::uint8_t>;  // what comes in: read-only
using OutPicture = View<std::uint8_t>;     // what goes out

// Text for a JSON string.
inline std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

inline std::string json_number(double value) {
  if (!std::isfinite(value)) throw std::invalid_argument("a bound or default is no finite number");
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  for (char* c = text; *c != 0; ++c)
    if (*c == ',') *c = '.';  // of a locale that the process has set
  return text;
}

inline const char* name_of(Depth depth) { return depth == Depth::u8 ? "8U" : depth == Depth::u16 ? "16U" : "32F"; }

// During a call; see RideCall.
class Call {
 public:
  explicit Call(const RideCall* call) : call_(call) {}
  // Long calls say at least every few seconds that they go on.
  void progress() const { call_->progress(call_); }
  const RideCall* raw() const { return call_; }

 protected:
  // RIDE knows the reason, and reports it; this one is never seen.
  static void must(std::int32_t status) {
    if (status != RIDE_OK) throw std::runtime_error("RIDE refused what the plug-in asked for");
  }
  const RideCall* call_;
};

class Env : public Call {
 public:
  Env(const RideOpen* open, const RideCall* call) : Call(call), open_(open) {}
  int threads() const { return open_->threads; }  // that the task may compute with
  std::string_view job() const { return {open_->job.data, open_->job.size}; }
  std::string_view stage() const { return {open_->stage.data, open_->stage.size}; }

  // Parameters by name.
  bool boolean(const char* name) const {
    std::int32_t value = 0;
    must(call_->get_boolean(call_, name, &value));
    return value != 0;
  }
  std::int64_t integer(const char* name) const {
    std::int64_t value = 0;
    must(call_->get_integer(call_, name, &value));
    return value;
  }
  double number(const char* name) const {
    double value = 0;
    must(call_->get_number(call_, name, &value));
    return value;
  }
  std::string string(const char* name) const {
    RideText value{};
    must(call_->get_string(call_, name, &value));
    return {value.data, value.size};
  }

 private:
  const RideOpen* open_;
};

class Frame {
 public:
  explicit Frame(const RideFrame* frame) : frame_(frame) {
    const RidePicture& p = *frame->picture;
    picture_ = {p.rows,
                p.cols,
                p.channels,
                static_cast<Depth>(p.depth),
                static_cast<std::size_t>(p.step),
                static_cast<const std::uint8_t*>(p.data)};
  }
  const Picture& picture() const { return picture_; }
  std::string_view source() const { return {frame_->source.data, frame_->source.size}; }
  std::int64_t session() const { return frame_->session; }
  std::int64_t number() const { return frame_->number; }
  std::int64_t captured_at_us() const { return frame_->captured_at_us; }

  // Fails the frame where its depth or number of channels is not listed.
  void expect(std::initializer_list<Depth> depths, std::initializer_list<int> channels = {1, 2, 3, 4}) const {
    bool depth_fits = false, channels_fit = false;
    std::string allowed;
    for (const Depth one : depths) {
      depth_fits = depth_fits || one == picture_.depth;
      allowed += (allowed.empty() ? "" : ", ") + std::string(name_of(one));
    }
    if (!depth_fits)
      throw std::invalid_argument(std::string("a picture of ") + name_of(picture_.depth) +
                                  " is not supported here; allowed: " + allowed);
    allowed.clear();
    for (const int one : channels) {
      channels_fit = channels_fit || one == picture_.channels;
      allowed += (allowed.empty() ? "" : ", ") + std::to_string(one);
    }
    if (!channels_fit)
      throw std::invalid_argument("a picture of " + std::to_string(picture_.channels) +
                                  " channels is not supported here; allowed: " + allowed);
  }

 private:
  const RideFrame* frame_;
  Picture picture_;
};

// Where results go.
class Output : public Call {
 public:
  using Call::Call;
  // To write into; contents undefined.
  OutPicture allocate(int rows, int cols, int channels, Depth depth) const {
    RidePicture p{};
    p.size = sizeof p;
    must(call_->allocate(call_, rows, cols, channels, static_cast<std::int32_t>(depth), &p));
    return {p.rows,
            p.cols,
            p.channels,
            static_cast<Depth>(p.depth),
            static_cast<std::size_t>(p.step),
            static_cast<std::uint8_t*>(p.data)};
  }
  OutPicture allocate_like(const Picture& other) const {
    return allocate(other.rows, other.cols, other.channels, other.depth);
  }
  // Of allocate(), not to be written any more. `port`: of the declared outputs; empty: the first.
  void emit(const OutPicture& picture, std::string_view port = {}) const {
    const RidePicture p{
        sizeof p,     picture.rows, picture.cols, picture.channels, static_cast<std::int32_t>(picture.depth),
        picture.step, picture.data};
    must(call_->emit(call_, port.data(), port.size(), &p));
  }
  // The frame as it came, without a copy.
  void pass(std::string_view port = {}) const { must(call_->pass(call_, port.data(), port.size())); }
};

// A class for each task. Besides, `static Declaration declaration()`.
class Task {
 public:
  virtual ~Task() = default;
  virtual void open(const Env& env) = 0;
  virtual void process(const Frame& frame, Output& out) = 0;
  virtual void finish(Output& /*out*/) {}
  virtual void close() {}
};

// What is allowed of a parameter beyond its type.
struct Allowed {
  std::optional<double> min, max;    // of numbers; an int needs both
  std::vector<std::string> choices;  // of a string
  bool odd = false;                  // of an integer
  bool required = false;             // the topology must state it: there is no default
};

// A parameter: its name, the field of `Options` that it fills, what it means, what is allowed. The default is the
// field's own initial value. Fields: bool, int, std::int64_t, double, std::string.
template <class Options>
struct Param {
  template <class Field>
  Param(const char* name, Field Options::*field, std::string_view doc, const Allowed& allowed = {})
      : json(declared(name, Options{}.*field, doc, allowed)),
        fill([name = std::string(name), field](const Env& env, Options& options) {
          if constexpr (std::is_same_v<Field, bool>)
            options.*field = env.boolean(name.c_str());
          else if constexpr (std::is_integral_v<Field>)
            options.*field = static_cast<Field>(env.integer(name.c_str()));
          else if constexpr (std::is_same_v<Field, double>)
            options.*field = env.number(name.c_str());
          else
            options.*field = env.string(name.c_str());
        }) {}

  std::string json;
  std::function<void(const Env&, Options&)> fill;

 private:
  template <class Field>
  static std::string declared(const char* name, const Field& fallback, std::string_view doc, const Allowed& allowed) {
    static_assert(std::is_same_v<Field, bool> || std::is_same_v<Field, int> || std::is_same_v<Field, std::int64_t> ||
                      std::is_same_v<Field, double> || std::is_same_v<Field, std::string>,
                  "a parameter is a bool, int, std::int64_t, double or std::string");
    std::string type = "string", value;
    if constexpr (std::is_same_v<Field, bool>) {
      type = "boolean", value = fallback ? "true" : "false";
    } else if constexpr (std::is_integral_v<Field>) {
      type = "integer", value = std::to_string(fallback);
      constexpr double kLeast = std::numeric_limits<int>::min(), kMost = std::numeric_limits<int>::max();
      if (std::is_same_v<Field, int> &&
          !(allowed.min && allowed.max && *allowed.min >= kLeast && *allowed.max <= kMost))
        throw std::invalid_argument(std::string("parameter '") + name + "' fills an int: state its min and max");
    } else if constexpr (std::is_same_v<Field, double>) {
      type = "number", value = json_number(fallback);
    } else {
      value = json_text(fallback);
    }
    std::string json = "{\"name\":" + json_text(name) + ",\"type\":\"" + type + "\",\"doc\":" + json_text(doc);
    if (!allowed.required) json += ",\"default\":" + value;
    if (allowed.min) json += ",\"min\":" + json_number(*allowed.min);
    if (allowed.max) json += ",\"max\":" + json_number(*allowed.max);
    if (allowed.odd) json += ",\"odd\":true";
    if (!allowed.choices.empty()) {
      json += ",\"choices\":[";
      for (std::size_t i = 0; i < allowed.choices.size(); ++i)
        json += (i > 0 ? "," : "") + json_text(allowed.choices[i]);
      json += "]";
    }
    return json + "}";
  }
};

template <class Options>
class Params {
 public:
  Params(std::initializer_list<Param<Options>> all) : all_(all) {}

  std::vector<std::string> specs() const {  // for Declaration::params
    std::vector<std::string> specs;
    for (const auto& one : all_) specs.push_back(one.json);
    return specs;
  }
  // In open().
  Options read(const Env& env) const {
    Options options;
    for (const auto& one : all_) one.fill(env, options);
    return options;
  }

 private:
  std::vector<Param<Options>> all_;
};

// Rows and columns of neighbours on each side that a pixel of the output depends on: with it the task may stand between
// `split` and `merge`. A number, or by a parameter: value * times / divide + plus (of an integer rounded down, of a
// number up).
struct Halo {
  Halo() = default;
  Halo(int fixed) : splittable(true), plus(fixed) {}  // NOLINT: implicit by intent
  static Halo of(std::string param, int times = 1, int divide = 1, int plus = 0) {
    Halo halo(plus);
    halo.param = std::move(param), halo.times = times, halo.divide = divide;
    return halo;
  }

  bool splittable = false;
  std::string param;
  int times = 1, divide = 1, plus = 0;
};

struct Declaration {
  std::string name;                 // "vignette": small letters, digits and _
  std::string doc;                  // one or two sentences
  std::vector<std::string> params;  // Params::specs()
  std::vector<std::string> outputs = {"out"};
  bool needs_order = false;  // wants each source's frames in order: needs partition_by: source
  int warmup_frames = 0;     // frames of each source that a new owner is fed without emitting
  Halo halo;
};

inline std::string to_json(const Declaration& task) {
  std::string json = "{\"name\":" + json_text(task.name) + ",\"doc\":" + json_text(task.doc) + ",\"params\":[";
  for (std::size_t i = 0; i < task.params.size(); ++i) json += (i > 0 ? "," : "") + task.params[i];
  json += "],\"outputs\":[";
  for (std::size_t i = 0; i < task.outputs.size(); ++i) json += (i > 0 ? "," : "") + json_text(task.outputs[i]);
  json += std::string("],\"needs_order\":") + (task.needs_order ? "true" : "false") +
          ",\"warmup_frames\":" + std::to_string(task.warmup_frames);
  const Halo& halo = task.halo;
  if (halo.splittable && halo.param.empty()) json += ",\"halo\":" + std::to_string(halo.plus);
  if (halo.splittable && !halo.param.empty())
    json += ",\"halo\":{\"param\":" + json_text(halo.param) + ",\"times\":" + std::to_string(halo.times) +
            ",\"divide\":" + std::to_string(halo.divide) + ",\"plus\":" + std::to_string(halo.plus) + "}";
  return json + "}";
}

namespace detail {

// No exception leaves it.
template <class Work>
std::int32_t guarded(const RideCall* call, Work work) noexcept {
  const auto say = [call](const char* text) {
    std::uint64_t length = 0;
    while (text[length] != 0) ++length;
    call->set_error(call, text, length);
  };
  try {
    work();
    return RIDE_OK;
  } catch (const Retry& why) {
    say(why.what());
    return RIDE_RETRY;
  } catch (const std::exception& why) {
    say(why.what());
  } catch (...) {
    say("an exception that is no std::exception");
  }
  return RIDE_FAILED;
}

// The task as RIDE calls it. A constructor that throws fails in open, where its reason can be told.
template <class T>
struct Shell {
  std::unique_ptr<T> task;

  static void* create(const RideTask*) noexcept { return new (std::nothrow) Shell; }
  static void destroy(void* self) noexcept { delete static_cast<Shell*>(self); }
  static std::int32_t open(void* self, const RideOpen* open, const RideCall* call) noexcept {
    return guarded(call, [&] {
      auto& task = static_cast<Shell*>(self)->task;
      task = std::make_unique<T>();
      task->open(Env(open, call));
    });
  }
  static std::int32_t process(void* self, const RideFrame* frame, const RideCall* call) noexcept {
    return guarded(call, [&] {
      Output out(call);
      static_cast<Shell*>(self)->task->process(Frame(frame), out);
    });
  }
  static std::int32_t finish(void* self, const RideCall* call) noexcept {
    return guarded(call, [&] {
      Output out(call);
      static_cast<Shell*>(self)->task->finish(out);
    });
  }
  static void close(void* self) noexcept {
    try {
      if (static_cast<Shell*>(self)->task) static_cast<Shell*>(self)->task->close();
    } catch (...) {  // nobody is left who could be told
    }
  }
};

template <class T>
constexpr bool kHasFinish = !std::is_same_v<decltype(&T::finish), decltype(&Task::finish)>;

struct Table {
  std::vector<std::string> declarations;
  std::vector<RideTask> tasks;
  std::vector<const RideTask*> list;
  std::string error;
  RidePlugin plugin{};

  template <class T>
  void add() {
    static_assert(std::is_base_of_v<Task, T>, "a task of a plug-in is derived from ride::sdk::Task");
    declarations.push_back(to_json(T::declaration()));
    RideTask task{};
    task.size = sizeof task;
    task.create = Shell<T>::create;
    task.open = Shell<T>::open;
    task.process = Shell<T>::process;
    task.finish = kHasFinish<T> ? Shell<T>::finish : nullptr;
    task.close = Shell<T>::close;
    task.destroy = Shell<T>::destroy;
    tasks.push_back(task);
  }
  void complete() {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].declaration = {declarations[i].data(), declarations[i].size()};
      list.push_back(&tasks[i]);
    }
  }
};

template <class... Tasks>
const RidePlugin* plugin() noexcept {
  static Table* const kTable = []() noexcept -> Table* {  // never destroyed: RIDE may use it to the very end
    auto* table = new (std::nothrow) Table;
    if (table == nullptr) return nullptr;
    try {
      (table->template add<Tasks>(), ...);
      table->complete();
    } catch (const std::exception& why) {
      table->list.clear();
      table->error = why.what();
    } catch (...) {
      table->list.clear();
      table->error = "its declarations throw an exception that is no std::exception";
    }
    static constexpr char kVersion[] = RIDE_SDK_VERSION;
    table->plugin = {sizeof(RidePlugin),
                     RIDE_PLUGIN_ABI,
                     static_cast<std::uint32_t>(table->list.size()),
                     table->list.data(),
                     {kVersion, sizeof kVersion - 1},
                     {table->error.data(), table->error.size()}};
    return table;
  }();
  return kTable == nullptr ? nullptr : &kTable->plugin;
}

}  // namespace detail
}  // namespace ride::sdk

// Once in a plug-in, outside of any namespace: RIDE_PLUGIN(Vignette, Grain).
#define RIDE_PLUGIN(...)                                                       \
  extern "C" RIDE_PLUGIN_EXPORT const RidePlugin* ride_plugin(std::uint32_t) { \
    return ride::sdk::detail::plugin<__VA_ARGS__>();                           \
  }
