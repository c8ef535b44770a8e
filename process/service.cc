#include "process/service.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>

#include "common/command_line.h"
#include "common/exit_codes.h"
#include "common/log.h"
#include "common/run_main.h"
#include "common/version.h"

namespace ride::process {
namespace {

std::atomic<bool> asked_to_stop = false;

int run_program(int argc, char** argv, const ServiceProgram& program) {
  Service service(argv);  // first: what is open now is what the next incarnation gets
  CLI::App app{program.description, program.name};
  app.footer(program.footer);
  app.set_version_flag("--version", std::string(program.name) + " " + version());
  program.declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_command_line(app, error);
  }
  init_logging(program.name);
  const auto ended = program.run(service);
  if (ended.ok()) return 0;
  log_error("{}", ended.error().message);
  return ended.error().code == ErrorCode::invalid_argument ? kExitUsage : kExitFailed;
}

}  // namespace

const std::atomic<bool>& Service::stop() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { asked_to_stop = true; });
  std::signal(SIGPIPE, SIG_IGN);
  return asked_to_stop;
}

void Service::give_up(const Error& why) {
  if (why.retriable) again_.now(asked_to_stop, why.code == ErrorCode::cancelled ? kExitStartAgain : kExitFailed);
  std::_Exit(kExitFailed);
}

Result<std::unique_ptr<MetricsPage>> Service::serve(const std::string& at, std::function<std::string()> text) {
  if (at.empty()) return std::unique_ptr<MetricsPage>();
  auto page = serve_metrics(at, std::move(text));
  if (page.ok()) log_info("metrics at http://{}/metrics", (*page)->address());
  return page;
}

int run_service(int argc, char** argv, const ServiceProgram& program) {
  return run_main(program.name, [&] { return run_program(argc, argv, program); });
}

}  // namespace ride::process
