#include "stream/core/rights.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace ride::stream {

namespace {

// To which names a line applies, seen from a prefix and a topology.
enum class Scope {
  all_topics,   // "<prefix>.", prefixed
  decisions,    // "<prefix>.decisions"
  reports,      // "<prefix>.reports"
  artifacts,    // "<prefix>.artifacts"
  all_groups,   // "<prefix>.", prefixed
  named_group,  // a group that only exists for the client's sake
  adopted,      // the topics that stages adopt
  copied,       // the topics that sources copy
  copying_job_topics,
  copying_job_groups,  // "<prefix>.<job>." of a job with such a source, prefixed
  outputs,             // topics outside the job that stages write
};

struct Line {
  Role role;
  Scope scope;
  const char* name;  // of a named group
  AclOperation operation;
  bool denied;
  const char* why;
};

constexpr auto kRead = AclOperation::read;
constexpr auto kWrite = AclOperation::write;
constexpr auto kCreate = AclOperation::create;
constexpr auto kDelete = AclOperation::remove;
constexpr auto kDescribe = AclOperation::describe;
constexpr auto kDescribeConfigs = AclOperation::describe_configs;

// Read, Write and Delete contain Describe. Idempotent producers need no right of their own since Kafka 2.8.
constexpr Line kLines[] = {
    {Role::master, Scope::all_topics, "", kCreate, false, "makes the control topics and those of jobs"},
    {Role::master, Scope::all_topics, "", kRead, false, "reads decisions and reports; a first commit asks for it"},
    {Role::master, Scope::all_topics, "", kDelete, false,
     "deletes what was acknowledged, and the topics of a cancelled job"},
    {Role::master, Scope::decisions, "", kWrite, false, "decides"},
    {Role::master, Scope::reports, "", kWrite, false, "ticks"},
    {Role::master, Scope::artifacts, "", kDescribeConfigs, false, "says at its start if a setting would lose files"},
    {Role::master, Scope::all_groups, "", kRead, false, "writes the first commit of each partition, looks at lag"},
    {Role::master, Scope::named_group, "ride-control-reader", kDescribe, false, "the client looks for its coordinator"},
    {Role::master, Scope::adopted, "", kRead, false, "counts partitions, writes first commits"},
    {Role::master, Scope::outputs, "", kCreate, false, "makes the topic where it is missing"},
    {Role::master, Scope::outputs, "", kDescribe, false, "counts partitions"},

    {Role::worker, Scope::named_group, "ride-control-reader", kDescribe, false, "the client looks for its coordinator"},
    {Role::worker, Scope::all_topics, "", kRead, false, "reads decisions, artifacts and frames"},
    {Role::worker, Scope::all_topics, "", kWrite, false, "writes reports, frames and dead letters"},
    {Role::worker, Scope::decisions, "", kWrite, true, "the prefix would allow it: who writes decisions is a master"},
    {Role::worker, Scope::artifacts, "", kWrite, true, "the prefix would allow it: who writes artifacts submits jobs"},
    {Role::worker, Scope::all_groups, "", kRead, false, "commits"},
    {Role::worker, Scope::adopted, "", kRead, false, "reads frames"},
    {Role::worker, Scope::outputs, "", kWrite, false, "writes frames"},

    {Role::producer, Scope::named_group, "ride-control-reader", kDescribe, false,
     "the client looks for its coordinator"},
    {Role::producer, Scope::all_topics, "", kWrite, false, "writes reports and frames"},
    {Role::producer, Scope::all_topics, "", kRead, false,
     "reads decisions, and in the logs' tails where its predecessor stopped"},
    {Role::producer, Scope::all_topics, "", kCreate, false, "makes the manifest of a finite source"},
    {Role::producer, Scope::decisions, "", kWrite, true, "the prefix would allow it: who writes decisions is a master"},
    {Role::producer, Scope::artifacts, "", kWrite, true,
     "the prefix would allow it: who writes artifacts submits jobs"},
    {Role::producer, Scope::all_groups, "", kDescribe, false, "finds in commits where its predecessor stopped"},
    {Role::producer, Scope::named_group, "ride-producer-reads", kDescribe, false,
     "the client looks for its coordinator"},
    {Role::producer, Scope::copied, "", kRead, false, "copies it"},
    {Role::producer, Scope::copying_job_groups, "", kRead, false, "commits how far it has copied"},
    {Role::producer, Scope::copying_job_topics, "", kDelete, false, "shortens the copy's journal"},

    {Role::agent, Scope::decisions, "", kRead, false, "learns whether it counts as lost"},
    {Role::agent, Scope::reports, "", kWrite, false, "heartbeats, ends of children"},
    {Role::agent, Scope::named_group, "ride-control-reader", kDescribe, false, "the client looks for its coordinator"},

    {Role::reader, Scope::all_topics, "", kRead, false, "`ride tap`, `dead list|show`, `ledger`, `trace`"},
    {Role::reader, Scope::all_groups, "", kDescribe, false, "`ride ledger` reads counters from commits"},
    {Role::reader, Scope::named_group, "ride-control-reader", kDescribe, false, "the client looks for its coordinator"},
    {Role::reader, Scope::named_group, "ride-tap", kDescribe, false, "`ride tap`"},
    {Role::reader, Scope::named_group, "ride-dead", kDescribe, false, "`ride dead`"},
    {Role::reader, Scope::named_group, "ride-ledger", kDescribe, false, "`ride ledger`, `ride trace`"},
    {Role::reader, Scope::adopted, "", kRead, false, "`ride tap`, `ledger`"},
    {Role::reader, Scope::outputs, "", kRead, false, "`ride tap`, `ledger`"},

    {Role::operator_, Scope::all_topics, "", kRead, false, "as reader"},
    {Role::operator_, Scope::all_groups, "", kDescribe, false, "as reader"},
    {Role::operator_, Scope::named_group, "ride-control-reader", kDescribe, false, "as reader"},
    {Role::operator_, Scope::named_group, "ride-tap", kDescribe, false, "as reader"},
    {Role::operator_, Scope::named_group, "ride-dead", kDescribe, false, "as reader"},
    {Role::operator_, Scope::named_group, "ride-ledger", kDescribe, false, "as reader"},
    {Role::operator_, Scope::adopted, "", kRead, false, "as reader"},
    {Role::operator_, Scope::outputs, "", kRead, false, "as reader"},
    {Role::operator_, Scope::all_topics, "", kWrite, false, "`ride dead replay`"},
    {Role::operator_, Scope::artifacts, "", kWrite, false, "`ride submit` ships files; `ride artifacts prune`"},
    {Role::operator_, Scope::artifacts, "", kDescribeConfigs, false,
     "... and ships none where a setting would lose it"},
    {Role::operator_, Scope::decisions, "", kWrite, true,
     "the prefix would allow it: who writes decisions is a master"},
    {Role::operator_, Scope::reports, "", kWrite, true, "the prefix would allow it: who writes reports is a process"},

    {Role::feeder, Scope::adopted, "", kWrite, false, "writes what a stage adopts"},
    {Role::feeder, Scope::copied, "", kWrite, false, "writes what a source copies"},
};

AclResource resource_of(Scope scope) {
  const bool group = scope == Scope::all_groups || scope == Scope::named_group || scope == Scope::copying_job_groups;
  return group ? AclResource::group : AclResource::topic;
}

bool is_prefixed(Scope scope) {
  return scope == Scope::all_topics || scope == Scope::all_groups || scope == Scope::copying_job_topics ||
         scope == Scope::copying_job_groups;
}

std::vector<std::string> names_of(const Line& line, const std::string& prefix,
                                  const std::vector<ForeignTopics>& topologies) {
  std::vector<std::string> names;
  const auto add = [&names](const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
  };
  switch (line.scope) {
    case Scope::all_topics:
    case Scope::all_groups:
      return {prefix + "."};
    case Scope::decisions:
      return {prefix + ".decisions"};
    case Scope::reports:
      return {prefix + ".reports"};
    case Scope::artifacts:
      return {prefix + ".artifacts"};
    case Scope::named_group:
      return {line.name};
    case Scope::adopted:
      for (const auto& topology : topologies) add(topology.adopted);
      return names;
    case Scope::copied:
      for (const auto& topology : topologies) add(topology.copied);
      return names;
    case Scope::outputs:
      for (const auto& topology : topologies) add(topology.outputs);
      return names;
    case Scope::copying_job_topics:
    case Scope::copying_job_groups:
      for (const auto& topology : topologies)
        if (!topology.copied.empty()) names.push_back(prefix + "." + topology.job + ".");
      return names;
  }
  return names;
}

// For the table: what stands for names that are not known yet.
std::string shown(const Line& line) {
  switch (line.scope) {
    case Scope::all_topics:
    case Scope::all_groups:
      return "`P.`*";
    case Scope::decisions:
      return "`P.decisions`";
    case Scope::reports:
      return "`P.reports`";
    case Scope::artifacts:
      return "`P.artifacts`";
    case Scope::named_group:
      return fmt::format("`{}`", line.name);
    case Scope::adopted:
      return "each adopted topic";
    case Scope::copied:
      return "each copied topic";
    case Scope::outputs:
      return "each named output";
    case Scope::copying_job_topics:
    case Scope::copying_job_groups:
      return "`P.JOB.`* of a job that copies a topic";
  }
  return {};
}

auto place_of(const AclRule& rule) { return std::tie(rule.user, rule.resource, rule.name, rule.prefixed, rule.denied); }

}  // namespace

const char* to_string(Role role) {
  switch (role) {
    case Role::master:
      return "master";
    case Role::worker:
      return "worker";
    case Role::producer:
      return "producer";
    case Role::agent:
      return "agent";
    case Role::reader:
      return "reader";
    case Role::operator_:
      return "operator";
    case Role::feeder:
      return "feeder";
  }
  return "reader";
}

const char* description_of(Role role) {
  switch (role) {
    case Role::master:
      return "ride-master";
    case Role::worker:
      return "ride-worker";
    case Role::producer:
      return "ride-producer";
    case Role::agent:
      return "ride-agent itself (its children have users of their own)";
    case Role::reader:
      return "ride tap, dead list, dead show, ledger, trace, plan, doctor; other clients that only read";
    case Role::operator_:
      return "what a reader may, ride dead replay, and ride submit of a topology that names files";
    case Role::feeder:
      return "programs of others that write into topics which a topology reads";
  }
  return "";
}

std::string default_user(std::string_view prefix, Role role) { return fmt::format("{}-{}", prefix, to_string(role)); }

const char* to_string(AclResource resource) { return resource == AclResource::topic ? "topic" : "group"; }

const char* to_string(AclOperation operation) {
  switch (operation) {
    case AclOperation::read:
      return "Read";
    case AclOperation::write:
      return "Write";
    case AclOperation::create:
      return "Create";
    case AclOperation::remove:
      return "Delete";
    case AclOperation::describe:
      return "Describe";
    case AclOperation::describe_configs:
      return "DescribeConfigs";
  }
  return "Describe";
}

Users default_users(const std::string& prefix) {
  Users users;
  for (const auto role : kRoles) users[role] = {default_user(prefix, role)};
  return users;
}

std::vector<AclRule> rights(const std::string& prefix, const Users& users,
                            const std::vector<ForeignTopics>& topologies) {
  std::vector<AclRule> rules;
  for (const auto& line : kLines) {
    const auto found = users.find(line.role);
    if (found == users.end()) continue;
    for (const auto& user : found->second)
      for (const auto& name : names_of(line, prefix, topologies)) {
        AclRule rule{user,    resource_of(line.scope), name, is_prefixed(line.scope), line.operation, line.denied,
                     line.why};
        const auto same = [&](const AclRule& other) {
          return place_of(other) == place_of(rule) && other.operation == rule.operation;
        };
        if (std::none_of(rules.begin(), rules.end(), same)) rules.push_back(std::move(rule));
      }
  }
  // Of a user with two roles: what one needs by name is not denied for the other's sake.
  const auto allowed = rules;
  std::erase_if(rules, [&](const AclRule& rule) {
    return rule.denied && std::any_of(allowed.begin(), allowed.end(), [&](const AclRule& other) {
             return !other.denied && !other.prefixed && other.user == rule.user && other.resource == rule.resource &&
                    other.name == rule.name && other.operation == rule.operation;
           });
  });
  return rules;
}

std::string kafka_acls_lines(const std::vector<AclRule>& rules, const std::string& brokers,
                             const std::string& command_config) {
  std::vector<const AclRule*> open;
  open.reserve(rules.size());
  for (const auto& rule : rules) open.push_back(&rule);
  std::string text, user;
  while (!open.empty()) {
    // The user that stands first, all of it; operations on the same names share a line.
    const auto next = std::find_if(open.begin(), open.end(), [&](const AclRule* one) { return one->user == user; });
    const AclRule first = next == open.end() ? *open.front() : **next;
    if (first.user != user) text += fmt::format("{}# {}\n", text.empty() ? "" : "\n", first.user);
    user = first.user;
    std::string operations;
    std::erase_if(open, [&](const AclRule* one) {
      if (place_of(*one) != place_of(first)) return false;
      operations += fmt::format(" --operation {}", to_string(one->operation));
      return true;
    });
    text += fmt::format(
        "kafka-acls.sh --bootstrap-server {} --command-config {} --add --force --{}-principal User:{}{} --{} {}{}\n",
        brokers, command_config, first.denied ? "deny" : "allow", first.user, operations, to_string(first.resource),
        first.name, first.prefixed ? " --resource-pattern-type prefixed" : "");
  }
  return text;
}

std::string rights_table() {
  std::string text = "| who | may | on | why |\n|---|---|---|---|\n";
  std::optional<Role> before;
  for (const auto& line : kLines) {
    text += fmt::format("| {} | {}{} | {} {} | {} |\n",
                        before == line.role ? "" : fmt::format("**{}**", to_string(line.role)),
                        line.denied ? "**not** " : "", to_string(line.operation), to_string(resource_of(line.scope)),
                        shown(line), line.why);
    before = line.role;
  }
  return text;
}

Result<void> check_user(const std::string& user) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (!user.empty() && user.size() <= 128 && std::all_of(user.begin(), user.end(), fits)) return {};
  return Error{ErrorCode::invalid_argument,
               fmt::format("'{}' is not a user's name: use letters, digits, '-', '_' and '.', at most 128", user)};
}

}  // namespace ride::stream
