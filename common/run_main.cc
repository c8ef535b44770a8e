#include "common/run_main.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#include "common/cause.h"
#include "common/log.h"
#include "common/redact.h"

namespace ride {
namespace {

constexpr int kFailed = 1;
constexpr const char* kNoMemory =
    "out of memory: this process may not have more; raise its limit (ulimit -v, or that of its container), or free "
    "some";

std::atomic<const char*> program_name{"ride"};

bool lacks_resources(const std::system_error& error) {
  return error.code() == std::errc::resource_unavailable_try_again || error.code() == std::errc::not_enough_memory ||
         error.code() == std::errc::too_many_files_open;
}

// By hand: where memory is out, nothing may be allocated.
void put_line(const char* text) {
  for (const char* part : {program_name.load(), ": ", text, "\n"}) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, part, std::strlen(part));
  }
}

[[noreturn]] void end_at_terminate() {
  const auto thrown = std::current_exception();
  if (!thrown) std::abort();  // not by an exception: whoever called it has said why
  bool expected = false;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    put_line(kNoMemory);
    std::_Exit(kFailed);
  } catch (const std::system_error& error) {
    expected = lacks_resources(error);
  } catch (...) {
  }
  try {
    put_line(words_of(thrown).c_str());
  } catch (...) {
    put_line(kNoMemory);
  }
  if (expected) std::_Exit(kFailed);
  std::abort();
}

}  // namespace

std::string words_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again)
      return fmt::format(
          "cannot start a thread ({}): raise the limit of processes or of memory (ulimit -u, ulimit -v, or "
          "those of its container)",
          error.code().message());
    if (lacks_resources(error))
      return fmt::format("{}: raise the limits of this process (ulimit -n, ulimit -v)", redact(cause_of(error)));
    return redact(cause_of(error));
  } catch (const std::exception& error) {
    return fmt::format("an error that nobody expected, please report it: {}", redact(cause_of(error)));
  } catch (...) {
    return "an error that nobody expected, please report it";
  }
}

int run_main(const char* program, const std::function<int()>& body) {
  program_name = program;
  std::set_terminate(end_at_terminate);
  try {
    return body();
  } catch (const std::bad_alloc&) {
    put_line(kNoMemory);
  } catch (...) {
    try {
      put_line(words_of(std::current_exception()).c_str());
    } catch (...) {
      put_line(kNoMemory);
    }
  }
  return kFailed;
}

}  // namespace ride
