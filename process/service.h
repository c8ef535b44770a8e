// run_service(): what every program of RIDE that runs for long does around its own work: command line, log, exceptions
// at the edge (common/run_main.h), signals, its metrics page, and how it ends or goes on as a new incarnation. Owner:
// main(), once. Threads: run() is called on the main thread; stop() and give_up() may be used from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "common/metrics_page.h"
#include "common/result.h"
#include "process/start_again.h"

namespace CLI {
class App;
}

namespace ride::process {

// What a program's run() has of it.
class Service {
 public:
  explicit Service(char** arguments) : again_(arguments) {}

  // Set by the first SIGINT or SIGTERM from the first call on; SIGPIPE is ignored then. For programs that look at it;
  // others wait for signals by themselves (process/interrupt.h).
  const std::atomic<bool>& stop();
  // Ends this incarnation because of `why`, which has been logged: a retriable one may go on as the next one
  // (process/start_again.h), any other ends the process with 1. Nothing is destroyed: a task or a decoder that is at
  // work cannot be broken off.
  [[noreturn]] void give_up(const Error& why);
  // Serves `text` at `at`, and logs where; nothing for an empty one. What is returned is served as long as it lives.
  Result<std::unique_ptr<MetricsPage>> serve(const std::string& at, std::function<std::string()> text);

 private:
  StartAgain again_;
};

struct ServiceProgram {
  const char* name;  // "ride-worker"
  const char* description;
  const char* footer = "";
  // Its flags; what they fill must live until run_service() returns.
  std::function<void(CLI::App&)> declare;
  // Behind the command line, with the log open. An Error ends the process with one line: 2 when it is invalid_argument,
  // else 1.
  std::function<Result<void>(Service&)> run;
};

// The exit code.
int run_service(int argc, char** argv, const ServiceProgram& program);

// What was given on the command line does not do, whatever `error` calls it.
inline Error wrong_usage(const Error& error) { return {ErrorCode::invalid_argument, error.message}; }

}  // namespace ride::process
