#include "broker-config/broker_command.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "broker-config/broker_process.h"
#include "broker-config/disk_space.h"
#include "common/setting_checks.h"
#include "common/units.h"

namespace ride::broker {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::seconds kLookForSpace{5}, kEnd{20};
constexpr ByteSize kSmallestHeap{128 << 20}, kLargestHeap{4LL << 40};

ParamSpec text_param(const char* name, const char* doc, const char* default_value) {
  ParamSpec spec;
  spec.name = name;
  spec.type = ParamType::string;
  spec.doc = doc;
  spec.default_value = ParamValue(std::string(default_value));
  return spec;
}

ParamSpec integer_param(const char* name, const char* doc, std::int64_t default_value, double min, double max) {
  ParamSpec spec;
  spec.name = name;
  spec.type = ParamType::integer;
  spec.doc = doc;
  spec.default_value = ParamValue(default_value);
  spec.min = min;
  spec.max = max;
  return spec;
}

ParamSpec switch_param(const char* name, const char* doc) {
  ParamSpec spec;
  spec.name = name;
  spec.type = ParamType::boolean;
  spec.doc = doc;
  spec.default_value = ParamValue(false);
  return spec;
}

// Empty: 0.
Result<std::int64_t> read_size(const ParamValues& values, const char* name, ByteSize least, ByteSize most) {
  const std::string& text = get_string(values, name);
  if (text.empty()) return std::int64_t{0};
  const auto size = size_between(text, least, most);
  if (!size.ok()) return Error{ErrorCode::invalid_argument, fmt::format("--{}: {}", name, size.error().message)};
  return *size;
}

Result<void> check_heap(std::int64_t heap) {
  const ByteSize memory{static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE)};
  if (memory.bytes <= 0 || heap <= memory.bytes) return {};
  const std::string has = fmt::format("{} MiB", memory.bytes >> 20);
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("--heap is {}, but this machine has {}: give less, or leave it out", format_byte_size({heap}), has)};
}

// The names that clients may know this node by.
std::vector<std::string> hosts_of(const BrokerOptions& options) {
  std::vector<std::string> hosts;
  for (const std::string& host : {options.advertised_host, options.host})
    if (!host.empty() && host != "0.0.0.0" && host != "::") hosts.push_back(host);
  if (hosts.empty()) hosts.push_back("localhost");
  return hosts;
}

Result<void> secure(const BrokerOptions& options, LaunchOptions& launch) {
  if (options.sasl.empty()) {
    if (options.tls_certificate.empty() && options.tls_key.empty() && options.tls_ca.empty()) return {};
    return Error{ErrorCode::invalid_argument, "--tls-cert, --tls-key and --tls-ca go with --sasl FOLDER"};
  }
  if (options.print_config) {  // touches nothing
    const auto file = [&](const std::string& name) { return std::filesystem::absolute(options.sasl / name).string(); };
    launch.secure.emplace();
    launch.secure->security = {file("node-" + hosts_of(options).front() + ".pem"),
                               file("ca.pem"),
                               file("inside.pem"),
                               file("inside.crt"),
                               {},
                               {options.prefix + "-broker", ""},
                               {options.prefix + "-admin"}};
    return {};
  }
  auto folder = open_secure_folder({.folder = options.sasl,
                                    .prefix = options.prefix,
                                    .users = options.users,
                                    .mechanism = options.mechanism,
                                    .hosts = hosts_of(options),
                                    .certificate = options.tls_certificate,
                                    .key = options.tls_key,
                                    .ca = options.tls_ca});
  if (!folder.ok()) return folder.error();
  launch.secure = std::move(*folder);
  return {};
}

Result<LaunchOptions> launch_options(const BrokerOptions& options) {
  LaunchOptions launch;
  launch.data = options.data;
  launch.node_id = options.id;
  if (!options.quorum.empty()) {
    RIDE_ASSIGN(auto quorum, parse_quorum(options.quorum));
    launch.quorum = std::move(quorum);
  }
  launch.host = options.host;
  launch.advertised_host = options.advertised_host;
  launch.port = options.port;
  launch.max_message_bytes = options.max_message_bytes;
  launch.cluster_id = options.cluster_id;
  launch.heap_bytes = options.heap_bytes;
  launch.quick_start = options.quick_start;
  launch.die_with_parent = true;
  // A node of several waits for the others, however long people take to start them.
  if (launch.quorum.size() > 1) launch.start_deadline = {};
  RIDE_TRY(secure(options, launch));
  return launch;
}

// Looks now and then; says each shortage once.
class SpaceWatch {
 public:
  explicit SpaceWatch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::optional<std::string> look() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return std::nullopt;
    next_ = now + kLookForSpace;
    auto shortage = short_of_space(folder_);
    const bool known = std::exchange(short_, shortage.has_value());
    return known ? std::nullopt : shortage;
  }

 private:
  std::filesystem::path folder_;
  std::chrono::steady_clock::time_point next_{};
  bool short_ = false;
};

}  // namespace

const std::vector<ParamSpec>& broker_params() {
  static const std::vector<ParamSpec> params = {
      integer_param("id", "number of this node, unlike that of any other node of the cluster", 1, 0, 1'000'000),
      text_param("quorum", "all controllers as id@host:port, separated by commas; empty: this node alone", ""),
      text_param("data", "folder of this broker; data of an earlier run is continued", ".ride/broker"),
      text_param("host", "address to listen on, 0.0.0.0 for all", "127.0.0.1"),
      text_param("advertised-host", "name or address that clients are given; empty: the same as host", ""),
      integer_param("port", "port for clients; 0: a free one, printed", 9092, 0, 65535),
      text_param("max-message-bytes",
                 "largest message, for example 16MiB; all size limits derive from it, and clients need the same",
                 "16MiB"),
      text_param("heap", "memory for Java, for example 2GiB; empty: 1 GiB, more for large messages", ""),
      text_param("cluster-id", "16 bytes in base64url; empty: kept in the folder, or worked out from the quorum", ""),
      switch_param("quick-start", "starts in about 1.2 s, but is slow under load: for tests"),
      switch_param("print-config", "prints the Kafka settings with their reasons, and ends"),
      text_param("sasl",
                 "folder of users, passwords and certificates, made where it is missing: clients need TLS and a user, "
                 "and each may "
                 "do what 'ride acls' prints; <user>.conf in it is for --kafka-config. Empty: no passwords",
                 ""),
      text_param("prefix", "with sasl: of the topics, groups and users that get their rights", "ride"),
      text_param("tls-cert", "with sasl: certificate chain for clients, PEM; empty: one that openssl makes", ""),
      text_param("tls-key", "with sasl: its key, PKCS#8 PEM without a password", ""),
      text_param("tls-ca", "with sasl: who signed it, PEM; empty: one that systems know", ""),
  };
  return params;
}

Result<BrokerOptions> broker_options(const ParamValues& values) {
  BrokerOptions options;
  options.id = static_cast<int>(get_int(values, "id"));
  options.quorum = get_string(values, "quorum");
  options.data = get_string(values, "data");
  options.host = get_string(values, "host");
  options.advertised_host = get_string(values, "advertised-host");
  options.port = static_cast<int>(get_int(values, "port"));
  options.cluster_id = get_string(values, "cluster-id");
  options.quick_start = get_bool(values, "quick-start");
  options.print_config = get_bool(values, "print-config");
  options.sasl = get_string(values, "sasl");
  options.prefix = get_string(values, "prefix");
  options.tls_certificate = get_string(values, "tls-cert");
  options.tls_key = get_string(values, "tls-key");
  options.tls_ca = get_string(values, "tls-ca");
  if (options.prefix.empty() ||
      options.prefix.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos)
    return Error{ErrorCode::invalid_argument, fmt::format("--prefix '{}': use a-z, 0-9, '-' and '_'", options.prefix)};
  RIDE_ASSIGN(const auto largest, read_size(values, "max-message-bytes", {kMinMaxMessageBytes}, {kMaxMaxMessageBytes}));
  options.max_message_bytes = largest;
  RIDE_ASSIGN(const auto heap, read_size(values, "heap", kSmallestHeap, kLargestHeap));
  options.heap_bytes = heap;
  if (!options.quorum.empty()) {
    RIDE_ASSIGN([[maybe_unused]] const auto nodes, parse_quorum(options.quorum));
  }
  return options;
}

Result<void> run_broker(const BrokerOptions& options, std::stop_token stop,
                        const std::function<void(const std::string&)>& print, std::stop_token hurry) {
  RIDE_ASSIGN(auto launch, launch_options(options));
  RIDE_TRY(check_heap(options.heap_bytes));
  launch.report = print;
  if (options.print_config) {
    RIDE_ASSIGN(const auto settings, preview_settings(launch));
    print(settings);
    return {};
  }
  BrokerProcess broker;
  if (launch.quorum.size() > 1)
    print(fmt::format("node {} of {} starts, and waits for a majority", options.id, launch.quorum.size()));
  if (auto started = broker.start(launch, stop); !started.ok()) {
    if (started.error().code == ErrorCode::cancelled) return {};  // asked to stop before it was ready: no failure
    return started;
  }
  if (launch.secure && options.give_rights) {
    if (auto given = options.give_rights(broker.bootstrap(), launch.secure->admin); !given.ok())
      return Error{given.error().code, "the rights of the users cannot be set up: " + given.error().message};
    print(fmt::format("users and rights for prefix {}: --kafka-config {}", options.prefix,
                      (std::filesystem::absolute(options.sasl) / (options.prefix + "-ROLE.conf")).string()));
  }
  print("broker ready on " + broker.bootstrap());
  SpaceWatch space(options.data);
  while (!stop.stop_requested()) {
    if (!broker.alive()) return broker.explain_end();
    if (const auto shortage = space.look()) print("warning: " + *shortage + ": a broker without space ends");
    std::this_thread::sleep_for(kTick);
  }
  if (!broker.stop(kEnd, hurry))
    print("the broker did not end in time and was killed: its next start checks its files first");
  return {};
}

Result<void> run_broker(const BrokerOptions& options, std::stop_token stop, std::stop_token hurry) {
  const auto print = [](const std::string& line) {
    std::fputs((line + (line.ends_with('\n') ? "" : "\n")).c_str(), stdout);
    std::fflush(stdout);  // scripts wait for the ready line
  };
  return run_broker(options, stop, print, hurry);
}

}  // namespace ride::broker
