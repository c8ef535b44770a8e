// Who may do what on the Kafka cluster: one table of the rights that RIDE's processes and commands need, as Kafka's
// ACLs. `ride acls` prints and applies it, `ride broker --sasl` sets it up, docs/security.md shows it. Each line stands
// here because something breaks without it (tests/faults/rights_test.cc). Pure. Threads: any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::stream {

// What a user of the cluster is. Other clients that only read are readers; who writes topics that a topology reads is a
// feeder.
enum class Role { master, worker, producer, agent, reader, operator_, feeder };
inline constexpr Role kRoles[] = {Role::master, Role::worker,    Role::producer, Role::agent,
                                  Role::reader, Role::operator_, Role::feeder};
const char* to_string(Role role);                              // "master", ..., "operator"
const char* description_of(Role role);                         // what runs with it
std::string default_user(std::string_view prefix, Role role);  // "ride-master"

enum class AclResource { topic, group };
enum class AclOperation { read, write, create, remove, describe, describe_configs };
const char* to_string(AclResource resource);    // "topic", as kafka-acls has it
const char* to_string(AclOperation operation);  // "Read", ..., "Delete"

// One ACL. Kafka denies what no rule allows; a rule that denies wins over all that allow.
struct AclRule {
  std::string user;
  AclResource resource = AclResource::topic;
  std::string name;
  bool prefixed = false;  // all whose names begin with `name`
  AclOperation operation = AclOperation::read;
  bool denied = false;
  std::string why;
  bool operator==(const AclRule&) const = default;
};

// Topics beside those under the prefix that a topology names.
struct ForeignTopics {
  std::string job;
  std::vector<std::string> adopted;  // read in place by a stage
  std::vector<std::string> copied;   // read by a source of kind `topic`
  std::vector<std::string> outputs;  // written by a stage, outside of the job
};

using Users = std::map<Role, std::vector<std::string>>;
Users default_users(const std::string& prefix);

// All rules for an installation, in the order of roles. A user of several roles is denied nothing that one of them
// needs.
std::vector<AclRule> rights(const std::string& prefix, const Users& users,
                            const std::vector<ForeignTopics>& topologies);

// As lines for Kafka's own tool, "# role" above each user's, as a table for docs/security.md.
std::string kafka_acls_lines(const std::vector<AclRule>& rules, const std::string& brokers,
                             const std::string& command_config);
std::string rights_table();

// invalid_argument: a name that no shell line or ACL can carry safely.
Result<void> check_user(const std::string& user);

}  // namespace ride::stream
