// ride acls: the rights that each user of the cluster needs, printed or set up.
#include "cli/commands/acls_command.h"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/kafka_settings.h"
#include "cli/terminal.h"
#include "cli/topology_file.h"
#include "common/json.h"
#include "common/wording.h"
#include "plugin/plugin_flag.h"
#include "stream/core/rights.h"
#include "stream/kafka/acls.h"

namespace ride::cli {
namespace {

struct AclFlags {
  std::vector<std::string> files, plugins;
  std::map<stream::Role, std::vector<std::string>> users;
  std::string command_config = "admin.properties";
  bool apply = false, json = false;
  SettingFlags settings;
};

stream::ForeignTopics topics_of(const topology::Topology& topology) {
  stream::ForeignTopics topics{topology.name(), {}, {}, {}};
  for (const auto& source : topology.sources())
    if (source.kind->input == SourceInput::topic) topics.copied.push_back(source.uri);
  for (const auto& stage : topology.stages()) {
    if (stage.topic.adopt) topics.adopted.push_back(stage.topic.adopt->name);
    for (const auto& output : stage.outputs) topics.outputs.push_back(output.topic);
  }
  return topics;
}

Result<stream::Users> users_of(const AclFlags& flags, const std::string& prefix) {
  auto users = stream::default_users(prefix);
  for (const auto& [role, names] : flags.users)
    if (!names.empty()) users[role] = names;
  for (const auto& [role, names] : users)
    for (const auto& name : names) RIDE_TRY(stream::check_user(name));
  return users;
}

nlohmann::json to_json(const stream::AclRule& rule) {
  return {{"principal", "User:" + rule.user},
          {"permission", rule.denied ? "DENY" : "ALLOW"},
          {"operation", to_string(rule.operation)},
          {"resource", to_string(rule.resource)},
          {"name", rule.name},
          {"pattern", rule.prefixed ? "PREFIXED" : "LITERAL"},
          {"host", "*"},
          {"why", rule.why}};
}

ExitCode acls(const AclFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto& prefix = settings->text("prefix");
  std::vector<stream::ForeignTopics> topologies;
  for (const auto& file : flags.files) {
    const auto checked = checked_topology(file, flags.plugins);
    if (!checked.file) return checked.failure;
    topologies.push_back(topics_of(checked.file->topology()));
  }
  const auto users = users_of(flags, prefix);
  if (!users.ok()) return fail(users.error());
  const auto rules = stream::rights(prefix, *users, topologies);
  if (flags.apply) {
    auto config = kafka_config(*settings);
    if (!config.ok()) return fail(config.error());
    if (auto done = kafka::create_acls(*config, rules); !done.ok()) return fail(done.error());
  }
  if (flags.json) {
    auto list = nlohmann::json::array();
    for (const auto& rule : rules) list.push_back(to_json(rule));
    print(nlohmann::json{{"prefix", prefix}, {"applied", flags.apply}, {"acls", list}}.dump(2) + "\n");
  } else if (flags.apply) {
    print(fmt::format("{} on the cluster at {}\n", counted(rules.size(), "right is set", "rights are set"),
                      settings->text("brokers")));
  } else {
    print(stream::kafka_acls_lines(rules, settings->text("brokers"), flags.command_config));
  }
  return ExitCode::ok;
}

}  // namespace

void add_acls_command(Program& program) {
  auto flags = std::make_shared<AclFlags>();
  auto& command = program.add(
      "Topology files", "acls", "Print or set up the rights (ACLs) that each user of a Kafka cluster needs",
      "  ride acls                                          of an installation, as lines for kafka-acls.sh\n"
      "  ride acls street.yaml plates.yaml --prefix lab     and the topics of others that these read and write\n"
      "  ride acls --user-reader alice --user-reader bob    users of other names than PREFIX-ROLE\n"
      "  ride acls street.yaml --apply --brokers kafka1:9093 --kafka-config admin.conf",
      [flags] { return acls(*flags); });
  command.add_option("TOPOLOGY", flags->files, "Topology files: what they read and write beside the prefix is added");
  for (const auto role : stream::kRoles)
    command
        .add_option(std::string("--user-") + to_string(role), flags->users[role],
                    fmt::format("User of {}; repeatable (default: PREFIX-{})", description_of(role), to_string(role)))
        ->type_name("USER");
  command
      .add_option("--command-config", flags->command_config, "The administrator's settings file, in the printed lines")
      ->capture_default_str();
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks stages may name");
  command.add_flag("--apply", flags->apply, "Set them up on the cluster; what is there already stays");
  flags->settings.declare(command, {"brokers", "prefix", "kafka-config", "max-message-bytes"});
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
