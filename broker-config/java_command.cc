#include "broker-config/java_command.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::broker {
namespace {

constexpr std::int64_t kHeapForLargeRegions = 512 << 20;

std::vector<std::string> common_flags(const JavaCommand& command) {
  std::vector<std::string> arguments = {command.program, "-cp", command.class_path};
  arguments.insert(arguments.end(), command.archive_flags.begin(), command.archive_flags.end());
  arguments.insert(arguments.end(),
                   {
                       "-Djava.awt.headless=true",
                       "-Dorg.slf4j.simpleLogger.showDateTime=true",
                       "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                       "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                       "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
                       "-Dorg.slf4j.simpleLogger.log.kafka.server.BrokerServer=info",
                       "-Dorg.slf4j.simpleLogger.log.kafka.log.LogManager=info",
                       "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller.ReplicationControlManager=info",
                   });
  return arguments;
}

}  // namespace

std::string class_path_of(const KafkaLibs& libs) {
  std::string path;
  for (const auto& jar : libs.jars) path += (path.empty() ? "" : ":") + jar.string();
  return path;
}

std::int64_t default_heap_bytes(std::int64_t max_message_bytes, bool quick_start) {
  const std::int64_t heap = std::max<std::int64_t>(1 << 30, 16 * max_message_bytes);
  return quick_start ? heap / 2 : heap;
}

std::vector<std::string> broker_command(const JavaCommand& command, const std::string& settings_file) {
  auto arguments = common_flags(command);
  arguments.push_back(fmt::format("-Xmx{}m", command.heap_bytes >> 20));
  // Half-dead is worse than dead: out of memory ends it, and whoever started it sees that.
  arguments.push_back("-XX:+ExitOnOutOfMemoryError");
  if (command.quick_start || command.short_lived) {
    arguments.insert(arguments.end(), {"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"});
  } else {
    // Java takes the serial collector by itself on small machines; G1 keeps its pauses short.
    arguments.insert(arguments.end(), {"-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExplicitGCInvokesConcurrent"});
    // A frame above half a region is a "humongous" object: with small regions, 30 frames of 0.8 MB a second started a
    // concurrent marking every 5 s beside the workers; with these, none.
    if (command.heap_bytes >= kHeapForLargeRegions) arguments.push_back("-XX:G1HeapRegionSize=16m");
  }
  arguments.insert(arguments.end(), {"kafka.Kafka", settings_file});
  return arguments;
}

std::vector<std::string> format_command(const JavaCommand& command, const std::string& cluster_id,
                                        const std::string& settings_file, const std::string& arguments_file) {
  auto arguments = common_flags(command);
  arguments.insert(arguments.end(),
                   {"-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "kafka.tools.StorageTool", "format",
                    "--cluster-id", cluster_id, "--config", settings_file});
  if (!arguments_file.empty()) arguments.push_back("@" + arguments_file);
  return arguments;
}

}  // namespace ride::broker
