// ride topic: topics of others, for jobs that read or write them. A job's own topics are the master's.
#include "cli/commands/topic_command.h"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command.h"
#include "cli/kafka_settings.h"
#include "cli/terminal.h"
#include "common/units.h"
#include "common/wording.h"
#include "stream/kafka/admin.h"

namespace ride::cli {
namespace {

struct TopicFlags {
  std::string name, retention;
  int partitions = 4, replication = 0;
  SettingFlags settings;
};

Result<void> check_name(const std::string& name, const std::string& prefix) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (name.empty() || name.size() > 249 || name == "." || name == ".." || !std::all_of(name.begin(), name.end(), fits))
    return Error{ErrorCode::invalid_argument,
                 fmt::format("'{}' is not a topic's name: use letters, digits, '.', '_' and '-', at most 249", name)};
  if (name.starts_with("__") || name.starts_with(prefix + "."))
    return Error{ErrorCode::invalid_argument,
                 fmt::format("'{}': names that start with '__' are reserved for Kafka, and with '{}.' for RIDE; choose "
                             "another one",
                             name, prefix)};
  return {};
}

Result<stream::NewTopic> topic_of(const TopicFlags& flags, int brokers) {
  stream::NewTopic topic{.name = flags.name,
                         .partitions = flags.partitions,
                         .replication = flags.replication > 0 ? flags.replication : std::min(3, brokers),
                         .config = {}};
  if (flags.replication > brokers)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("--replication is {}, but the cluster has {}: give less, or leave it out",
                             flags.replication, counted(brokers, "broker"))};
  if (flags.retention.empty()) return topic;
  const auto retention = parse_duration(flags.retention);
  if (!retention.ok()) return Error{ErrorCode::invalid_argument, "--retention: " + retention.error().message};
  if (retention->count() <= 0)
    return Error{ErrorCode::invalid_argument, "--retention is '" + flags.retention + "', but a time above 0 is needed"};
  topic.config["retention.ms"] = std::to_string(retention->count());
  return topic;
}

ExitCode create(const TopicFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  if (auto good = check_name(flags.name, settings->text("prefix")); !good.ok()) return fail(good.error());
  const auto config = kafka_config(*settings);
  if (!config.ok()) return fail(config.error());
  const auto admin = kafka::open_admin(*config);
  if (!admin.ok()) return fail(admin.error());
  const auto brokers = (*admin)->broker_count();
  if (!brokers.ok()) return fail(brokers.error());
  const auto topic = topic_of(flags, *brokers);
  if (!topic.ok()) return fail(topic.error());
  if (auto made = (*admin)->create(*topic); !made.ok()) return fail(made.error());
  print(fmt::format("topic {}: {}, replication {}\n", topic->name, counted(topic->partitions, "partition"),
                    topic->replication));
  return ExitCode::ok;
}

}  // namespace

void add_topic_command(Program& program) {
  auto flags = std::make_shared<TopicFlags>();
  auto& command = program.add("Jobs", "topic", "Create a topic that jobs read from other programs, or write for them",
                              "  ride topic create plates --partitions 2\n"
                              "  ride topic create plates --retention 1h --brokers kafka1:9092",
                              [flags] { return create(*flags); });
  command.require_subcommand(1);
  auto* create = command.add_subcommand("create", "Make a topic; one that is there is left as it is (exit code 1)");
  create->add_option("TOPIC", flags->name, "Its name")->required();
  create->add_option("--partitions", flags->partitions, "Parts that may be read in parallel")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  create
      ->add_option("--replication", flags->replication,
                   "Brokers that hold each record (default: 3, or all where there are fewer)")
      ->check(CLI::Range(1, 32));
  create->add_option("--retention", flags->retention, "How long records stay, for example 1h (default: the cluster's)");
  flags->settings.declare(*create, {"brokers", "prefix", "kafka-config"});
}

}  // namespace ride::cli
