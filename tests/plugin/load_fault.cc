// A plug-in with something wrong in it, compiled once for each FAULT: what goes wrong when it is loaded.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "ride/plugin.h"

namespace {

enum Fault {
  kNoSymbol,
  kOtherVersion,
  kCrash,
  kHang,
  kExit,
  kNoise,
  kBuiltinName,
  kNoJson,
  kThrow,
  kNullTable,
  kNoFunctions,
  kTooManyTasks,
  kSmallTable
};

struct AtLoading {
  AtLoading() {
    if (FAULT == kCrash) {
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
    }
    while (FAULT == kHang) std::this_thread::sleep_for(std::chrono::seconds(1));
    if (FAULT == kExit) {
      std::fputs("no licence was found\n", stderr);
      std::_Exit(7);
    }
    if (FAULT == kNoise)
      for (int i = 0; i < 1000; ++i) std::puts("{\"tasks\": \"a library that is proud of its banner\"}");
  }
} const kAtLoading;

constexpr char kGood[] = R"({"name": "loud", "doc": "Passes frames on."})";
constexpr char kTaken[] = R"({"name": "gaussian_blur", "doc": "Another one."})";
constexpr char kBroken[] = R"({"name": "loud", "doc": )";

RideText text_of(const char* text) {
  std::uint64_t size = 0;
  while (text[size] != 0) ++size;
  return {text, size};
}

void* create(const RideTask*) { return std::malloc(1); }
std::int32_t open(void*, const RideOpen*, const RideCall*) { return RIDE_OK; }
std::int32_t process(void*, const RideFrame*, const RideCall* call) { return call->pass(call, nullptr, 0); }

}  // namespace

#if FAULT != 0
extern "C" RIDE_PLUGIN_EXPORT const RidePlugin* ride_plugin(std::uint32_t) {
  static const RideTask kTask{sizeof(RideTask),
                              text_of(FAULT == kBuiltinName ? kTaken
                                      : FAULT == kNoJson    ? kBroken
                                                            : kGood),
                              nullptr,
                              create,
                              open,
                              FAULT == kNoFunctions ? nullptr : process,
                              nullptr,
                              nullptr,
                              std::free};
  static const RideTask* const kTasks[] = {&kTask};
  static const RidePlugin kPlugin{FAULT == kSmallTable ? 16 : sizeof(RidePlugin),
                                  FAULT == kOtherVersion ? 77U : RIDE_PLUGIN_ABI,
                                  FAULT == kTooManyTasks ? 1U << 30 : 1U,
                                  kTasks,
                                  text_of("a test"),
                                  {nullptr, 0}};
  if (FAULT == kThrow) throw std::runtime_error("no mood for it");
  return FAULT == kNullTable ? nullptr : &kPlugin;
}
#endif
