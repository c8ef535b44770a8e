// Checks of what RIDE starts and talks to: Java, Kafka's jars, its own programs, ports, a cluster.
#include <spdlog/fmt/fmt.h>

#include "broker-config/java.h"
#include "broker-config/kafka_libs.h"
#include "cli/doctor/checks.h"
#include "cli/find_master.h"
#include "cli/kafka_settings.h"
#include "cli/local/run_folder.h"
#include "common/host_port.h"
#include "common/wording.h"
#include "process/free_port.h"
#include "process/own_programs.h"
#include "process/proc.h"
#include "stream/kafka/admin.h"
#include "worker/python/script_facts.h"

namespace ride::cli {

Check check_java() {
  const auto java = broker::find_java();
  if (!java.ok())
    return {"java", Finding::bad, java.error().message,
            "needed for the built-in broker; a cluster of yours (--brokers) does without"};
  return {"java", Finding::good, fmt::format("{} ({})", java->version, java->program.string()), ""};
}

Check check_kafka_jars() {
  const auto libs = broker::find_kafka_libs();
  if (!libs.ok())
    return {"kafka", Finding::bad, libs.error().message,
            "needed for the built-in broker; a cluster of yours (--brokers) does without"};
  return {"kafka", Finding::good, fmt::format("{} ({})", libs->version, libs->folder.string()), ""};
}

Check check_programs() {
  for (const char* name : {"ride-master", "ride-agent", "ride-worker", "ride-producer", "ride-test"}) {
    const auto found = process::find_program(name);
    if (!found.ok())
      return {"programs", Finding::bad, found.error().message, "ninja -C build/release, or install them together"};
  }
  return {"programs", Finding::good,
          "ride-master, ride-agent, ride-worker, ride-producer, ride-test in " + process::own_folder().string(), ""};
}

Check check_python() {
  const auto found = python::python_and_modules();
  if (!found.ok())
    return {"python", Finding::note, found.error().message, "workers here cannot run the task python; all else works"};
  return {"python", Finding::good, *found + ": for the task python", ""};
}

Check check_port(const std::string& name, int port) {
  const auto free = process::check_port_free("127.0.0.1", port);
  if (free.ok()) return {name, Finding::good, fmt::format("{} is free", port), ""};
  return {name, Finding::note, free.error().message, "'ride up' takes another one by itself and says which"};
}

Check check_cluster(const Settings& settings) {
  const std::string brokers = find_brokers(settings);
  auto config = kafka_config(settings, brokers);
  if (!config.ok()) return {"cluster", Finding::bad, config.error().message, ""};
  const auto admin = kafka::open_admin(*config, std::chrono::seconds(5));
  if (!admin.ok()) return {"cluster", Finding::bad, admin.error().message, ""};
  const auto count = (*admin)->broker_count();
  if (!count.ok()) return {"cluster", Finding::bad, count.error().message, ""};
  return {"cluster", Finding::good, fmt::format("{} at {}", counted(*count, "broker"), brokers), ""};
}

std::vector<Check> examine(const Settings& settings) {
  std::vector<Check> checks = {check_java(),    check_kafka_jars(), check_programs(),
                               check_video(),   check_python(),     check_gpu(),
                               check_cameras(), check_resources(),  check_disk(settings.text("state"))};
  const auto running = running_in(settings.text("state"));
  if (running) {
    checks.push_back({"running", Finding::good,
                      fmt::format("'ride up' runs job '{}' here: master {}, Kafka {}", running->job, running->master,
                                  running->brokers),
                      ""});
  } else {
    if (const auto port = settings.integer("broker-port"); port != 0)
      checks.push_back(check_port("broker-port", static_cast<int>(port)));
    if (const auto http = parse_host_port(settings.text("http")); http && http->port != 0)
      checks.push_back(check_port("master-port", http->port));
  }
  if (running || !settings.is_default("brokers")) checks.push_back(check_cluster(settings));
  // Somebody who brings a cluster needs no broker from us.
  if (!settings.is_default("brokers")) {
    for (Check& check : checks)
      if ((check.name == "java" || check.name == "kafka") && check.finding == Finding::bad)
        check.finding = Finding::note;
  }
  return checks;
}

}  // namespace ride::cli
