#include "stream/kafka/acls.h"

#include <array>

#include "stream/kafka/handle.h"
#include "stream/kafka/refusal.h"

namespace ride::kafka {

namespace {

using stream::AclOperation;
using stream::AclResource;
using stream::AclRule;

constexpr int kAclTimeoutMs = 10'000;

rd_kafka_AclOperation_t to_kafka(AclOperation operation) {
  switch (operation) {
    case AclOperation::read:
      return RD_KAFKA_ACL_OPERATION_READ;
    case AclOperation::write:
      return RD_KAFKA_ACL_OPERATION_WRITE;
    case AclOperation::create:
      return RD_KAFKA_ACL_OPERATION_CREATE;
    case AclOperation::remove:
      return RD_KAFKA_ACL_OPERATION_DELETE;
    case AclOperation::describe:
      return RD_KAFKA_ACL_OPERATION_DESCRIBE;
    case AclOperation::describe_configs:
      return RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS;
  }
  return RD_KAFKA_ACL_OPERATION_UNKNOWN;
}

std::string text_of(const AclRule& rule) {
  return std::string(rule.denied ? "deny " : "allow ") + rule.user + " " + to_string(rule.operation) + " on " +
         to_string(rule.resource) + " " + rule.name + (rule.prefixed ? "*" : "");
}

class Bindings {
 public:
  ~Bindings() {
    if (!all_.empty()) rd_kafka_AclBinding_destroy_array(all_.data(), all_.size());
  }
  Result<void> add(const AclRule& rule) {
    std::array<char, 256> why{};
    const auto principal = "User:" + rule.user;
    auto* one = rd_kafka_AclBinding_new(
        rule.resource == AclResource::topic ? RD_KAFKA_RESOURCE_TOPIC : RD_KAFKA_RESOURCE_GROUP, rule.name.c_str(),
        rule.prefixed ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED : RD_KAFKA_RESOURCE_PATTERN_LITERAL, principal.c_str(), "*",
        to_kafka(rule.operation), rule.denied ? RD_KAFKA_ACL_PERMISSION_TYPE_DENY : RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
        why.data(), why.size());
    if (one == nullptr) return Error{ErrorCode::invalid_argument, text_of(rule) + ": " + why.data()};
    all_.push_back(one);
    return {};
  }
  std::vector<rd_kafka_AclBinding_t*>& all() { return all_; }

 private:
  std::vector<rd_kafka_AclBinding_t*> all_;
};

Error explained(Error error, rd_kafka_resp_err_t code) {
  if (code == RD_KAFKA_RESP_ERR_SECURITY_DISABLED) {
    error.code = ErrorCode::unsupported;
    error.message += ": the brokers have no authorizer (authorizer.class.name), so everybody may do everything";
  }
  return error;
}

Result<void> send(const Client& client, Bindings& bindings, const std::vector<AclRule>& rules) {
  const std::unique_ptr<rd_kafka_AdminOptions_t, decltype(&rd_kafka_AdminOptions_destroy)> options(
      rd_kafka_AdminOptions_new(client.get(), RD_KAFKA_ADMIN_OP_CREATEACLS), rd_kafka_AdminOptions_destroy);
  std::array<char, 256> why{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kAclTimeoutMs, why.data(), why.size());
  const std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)> queue(rd_kafka_queue_new(client.get()),
                                                                                   rd_kafka_queue_destroy);
  rd_kafka_CreateAcls(client.get(), bindings.all().data(), bindings.all().size(), options.get(), queue.get());
  const std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)> event(
      rd_kafka_queue_poll(queue.get(), kAclTimeoutMs + 2000), rd_kafka_event_destroy);
  if (!event) return Error{ErrorCode::timeout, "the cluster did not answer to ACLs", true};
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return explained(to_error(code, "cannot write ACLs", client.get()), code);
  std::size_t count = 0;
  const auto** results = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
  for (std::size_t i = 0; i < count && i < rules.size(); ++i) {
    const auto* error = rd_kafka_acl_result_error(results[i]);
    if (error == nullptr) continue;
    const auto code = rd_kafka_error_code(error);
    return explained(to_error(code, "cannot write the ACL '" + text_of(rules[i]) + "'", client.get()), code);
  }
  return {};
}

}  // namespace

const char* login_mechanism() { return rd_kafka_version() >= 0x020601ff ? "SCRAM-SHA-512" : "PLAIN"; }

Result<void> create_acls(const ClientConfig& config, const std::vector<AclRule>& rules) {
  if (rules.empty()) return {};
  RIDE_ASSIGN(auto conf, make_conf(config, {}));
  RIDE_ASSIGN(auto client, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  RIDE_TRY(reach(client, config.brokers, std::chrono::milliseconds(kAclTimeoutMs)));
  Bindings bindings;
  for (const auto& rule : rules) RIDE_TRY(bindings.add(rule));
  return send(client, bindings, rules);
}

}  // namespace ride::kafka
