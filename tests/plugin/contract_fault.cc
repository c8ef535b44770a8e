// A plug-in whose task breaks the contract, or fails as it may, in the way that its parameter "do" says. By the C
// header, since the wrapper leaves fewer ways.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "ride/plugin.h"

namespace {

constexpr char kDeclaration[] = R"({
  "name": "faulty", "doc": "Does what it must not.", "outputs": ["out", "side"],
  "params": [{"name": "do", "type": "string", "doc": "What.", "default": "pass"},
             {"name": "times", "type": "integer", "doc": "A number.", "default": 3, "min": 0, "max": 10}]
})";

struct Faulty {
  std::string act;
};

void say(const RideCall* call, const std::string& text) { call->set_error(call, text.data(), text.size()); }

void crash() {
  std::signal(SIGSEGV, SIG_DFL);
  std::raise(SIGSEGV);
}

void* create(const RideTask*) { return new Faulty; }

std::int32_t open(void* self, const RideOpen*, const RideCall* call) {
  auto& task = *static_cast<Faulty*>(self);
  RideText text{};
  if (call->get_string(call, "do", &text) != RIDE_OK) return RIDE_FAILED;
  task.act.assign(text.data, text.size);
  std::int64_t whole = 0;
  double number = 0;
  RidePicture picture{sizeof picture, 0, 0, 0, 0, 0, nullptr};
  if (task.act == "open: throw") throw std::runtime_error("no camera");
  if (task.act == "open: throw an int") throw 7;
  if (task.act == "open: crash") crash();
  if (task.act == "open: fail") return say(call, "the licence\nhas expired"), RIDE_FAILED;
  if (task.act == "open: fail without a word") return RIDE_FAILED;
  if (task.act == "open: unknown parameter") return call->get_integer(call, "tims", &whole), RIDE_OK;
  if (task.act == "open: parameter of another type") return call->get_number(call, "times", &number), RIDE_OK;
  if (task.act == "open: value to nowhere") return call->get_integer(call, "times", nullptr), RIDE_OK;
  if (task.act == "open: text to nowhere") return call->get_string(call, "do", nullptr), RIDE_OK;
  if (task.act == "open: allocate") return call->allocate(call, 1, 1, 1, 0, &picture), RIDE_OK;
  if (task.act == "open: emit") return call->emit(call, nullptr, 0, &picture), RIDE_OK;
  if (task.act == "open: pass") return call->pass(call, nullptr, 0), RIDE_OK;
  return RIDE_OK;
}

std::int32_t allocate_and(const RideCall* call, const RideFrame* frame, const std::string& act) {
  RidePicture picture{sizeof picture, 0, 0, 0, 0, 0, nullptr};
  const auto& in = *frame->picture;
  if (call->allocate(call, in.rows, in.cols, in.channels, in.depth, &picture) != RIDE_OK) return RIDE_FAILED;
  for (int row = 0; row < in.rows; ++row)
    std::memset(static_cast<char*>(picture.data) + picture.step * static_cast<std::size_t>(row), 9,
                static_cast<std::size_t>(in.cols) * static_cast<std::size_t>(in.channels));
  if (act == "emit larger") picture.rows *= 1000;
  if (act == "emit another type") picture.depth = RIDE_32F;
  if (act == "emit another step") picture.step = 1;
  if (act == "emit a part") picture.data = static_cast<char*>(picture.data) + 1;
  if (act == "emit null") return call->emit(call, nullptr, 0, nullptr), RIDE_OK;
  if (act == "emit of no size") picture.size = 0;
  if (act == "emit the input") return call->emit(call, nullptr, 0, frame->picture), RIDE_OK;
  if (act == "emit to a wrong port") return call->emit(call, "sidee", 5, &picture), RIDE_OK;
  if (act == "emit to a null port") return call->emit(call, nullptr, 5, &picture), RIDE_OK;
  if (act == "emit to an endless port") return call->emit(call, "side", ~std::uint64_t{0}, &picture), RIDE_OK;
  if (act == "emit on both") call->emit(call, "side", 4, &picture);
  return call->emit(call, nullptr, 0, &picture), RIDE_OK;
}

std::int32_t process(void* self, const RideFrame* frame, const RideCall* call) {
  const auto& act = static_cast<Faulty*>(self)->act;
  RidePicture picture{sizeof picture, 0, 0, 0, 0, 0, nullptr};
  if (act == "throw") throw std::runtime_error("out of luck");
  if (act == "throw an int") throw 7;
  if (act == "crash") crash();
  if (act == "fail") return say(call, "too dark"), RIDE_FAILED;
  if (act == "retry") return say(call, "the disk is full"), RIDE_RETRY;
  if (act == "status") return 42;
  if (act == "talk") return say(call, std::string(1 << 20, 'x')), RIDE_FAILED;
  if (act == "null words") return call->set_error(call, nullptr, 1000), RIDE_FAILED;
  if (act == "allocate huge") return call->allocate(call, 2'000'000'000, 2'000'000'000, 4, RIDE_32F, &picture), RIDE_OK;
  if (act == "allocate wide") return call->allocate(call, 40'000, 40'000, 4, RIDE_32F, &picture), RIDE_OK;
  if (act == "allocate none") return call->allocate(call, 0, 10, 1, RIDE_8U, &picture), RIDE_OK;
  if (act == "allocate negative") return call->allocate(call, -5, 10, 1, RIDE_8U, &picture), RIDE_OK;
  if (act == "allocate five channels") return call->allocate(call, 5, 10, 5, RIDE_8U, &picture), RIDE_OK;
  if (act == "allocate another depth") return call->allocate(call, 5, 10, 1, 99, &picture), RIDE_OK;
  if (act == "allocate into nothing") return call->allocate(call, 5, 10, 1, 0, nullptr), RIDE_OK;
  if (act == "allocate what it may") return call->allocate(call, 5, 10, 1, RIDE_8U, &picture), RIDE_OK;
  if (act == "allocate for ever") {
    while (call->allocate(call, 1, 1, 1, RIDE_8U, &picture) == RIDE_OK) {
    }
    return RIDE_OK;
  }
  if (act.starts_with("emit")) return allocate_and(call, frame, act);
  if (act == "filter") return RIDE_OK;
  return call->pass(call, nullptr, 0);
}

void destroy(void* self) { delete static_cast<Faulty*>(self); }

}  // namespace

extern "C" RIDE_PLUGIN_EXPORT const RidePlugin* ride_plugin(std::uint32_t) {
  static const RideTask kTask{
      sizeof(RideTask), {kDeclaration, sizeof kDeclaration - 1}, nullptr, create, open, process, nullptr, nullptr,
      destroy};
  static const RideTask* const kTasks[] = {&kTask};
  static const RidePlugin kPlugin{sizeof(RidePlugin), RIDE_PLUGIN_ABI, 1, kTasks, {"test", 4}, {nullptr, 0}};
  return &kPlugin;
}
