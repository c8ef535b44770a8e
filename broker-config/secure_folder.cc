#include "broker-config/secure_folder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>

#include "common/file_text.h"
#include "common/secret_file.h"
#include "process/child_process.h"
#include "process/file_lock.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

constexpr int kPasswordBytes = 24;
constexpr std::size_t kShortestPassword = 12;
constexpr const char* kDays = "3650";
constexpr std::chrono::seconds kOpensslPatience{30};

bool is_word(const std::string& text, const char* more) {
  return !text.empty() && text.size() <= 128 &&
         text.find_first_not_of(std::string("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") + more) ==
             text.npos;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), failed);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return Error{ErrorCode::permission, fmt::format("cannot create {}: {}", folder.string(), std::strerror(errno))};
  return check_secret_file(folder);
}

Result<std::string> read_secret(const fs::path& file) {
  RIDE_TRY(check_secret_file(file));
  auto text = file_text(file);
  if (text.empty()) return Error{ErrorCode::corrupt, file.string() + " is empty or cannot be read"};
  return text;
}

class Maker {
 public:
  explicit Maker(const SecureOptions& options) : options_(options), folder_(options.folder) {}

  Result<SecureFolder> make() {
    SecureFolder made;
    RIDE_ASSIGN(auto users, this->users());
    auto& security = made.security;
    security.users = std::move(users);
    security.own.name = options_.prefix + "-broker";
    security.admins = {options_.prefix + "-admin"};
    for (const auto& name : {security.own.name, security.admins.front()}) {
      const auto found = std::ranges::find(security.users, name, &BrokerUser::name);
      if (found == security.users.end())
        return Error{ErrorCode::invalid_argument,
                     fmt::format("{} has no user {}: add a line '{}:PASSWORD', or make a new folder",
                                 users_file().string(), name, name)};
      if (name == security.own.name) security.own = *found;
    }
    RIDE_TRY(clients_certificate(security));
    RIDE_TRY(inside_certificate(security));
    for (const auto& user : security.users) RIDE_TRY(write_config(user, security.truststore));
    made.admin = config_file(security.admins.front());
    return made;
  }

 private:
  fs::path users_file() const { return folder_ / "users"; }
  fs::path config_file(const std::string& user) const { return folder_ / (user + ".conf"); }

  Result<std::vector<BrokerUser>> users() {
    std::error_code failed;
    if (!fs::exists(users_file(), failed)) {
      std::string text =
          "# name:password of each user, as ride broker --sasl made them. Passwords count when a broker's data folder "
          "is new.\n";
      auto names = options_.users;
      names.insert(names.begin(), {options_.prefix + "-broker", options_.prefix + "-admin"});
      for (const auto& name : names) {
        RIDE_ASSIGN(auto password, random_secret(kPasswordBytes));
        text += fmt::format("{}:{}\n", name, password);
      }
      RIDE_TRY(write_secret_file(users_file(), text));
    }
    RIDE_ASSIGN(auto text, read_secret(users_file()));
    return parse_users(users_file().string(), text);
  }

  Result<void> write_config(const BrokerUser& user, const std::string& ca) {
    std::string text =
        fmt::format("# For --kafka-config of what runs as {}; made by ride broker --sasl at every start.\n", user.name);
    text += fmt::format("security.protocol=SASL_SSL\nsasl.mechanism={}\n", options_.mechanism);
    text += fmt::format("sasl.username={}\nsasl.password={}\n", user.name, user.password);
    if (!ca.empty()) text += fmt::format("ssl.ca.location={}\n", ca);
    return write_secret_file(config_file(user.name), text);
  }

  // What clients see: the one that was given, else one of this folder's own CA for this node's names.
  Result<void> clients_certificate(BrokerSecurity& security) {
    if (!options_.certificate.empty()) return given_certificate(security);
    security.truststore = (folder_ / "ca.pem").string();
    security.keystore = (folder_ / fmt::format("node-{}.pem", options_.hosts.front())).string();
    std::error_code failed;
    if (!fs::exists(security.truststore, failed)) {
      if (auto made = openssl("ca", "RIDE CA " + options_.prefix,
                              "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", {});
          !made.ok())
        return made;
      fs::rename(folder_ / "ca.crt", security.truststore, failed);
      if (failed) return Error{ErrorCode::internal, "cannot write " + security.truststore + ": " + failed.message()};
    }
    if (fs::exists(security.keystore, failed)) return check_secret_file(security.keystore);
    if (!fs::exists(folder_ / "ca.key", failed))
      return Error{
          ErrorCode::not_found,
          fmt::format(
              "{} has no certificate for {}, and no ca.key to make one with: start this node once where the whole "
              "folder is, or give --tls-cert and --tls-key",
              folder_.string(), options_.hosts.front())};
    auto made = openssl(
        "node", "RIDE broker",
        "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=" + names() + "\n",
        {"-CA", security.truststore, "-CAkey", (folder_ / "ca.key").string()});
    return made.ok() ? join("node", security.keystore, false) : made;
  }

  Result<void> given_certificate(BrokerSecurity& security) {
    if (options_.key.empty())
      return Error{ErrorCode::invalid_argument, "--tls-cert needs --tls-key as well: the key of that certificate"};
    const auto certificate = file_text(options_.certificate);
    if (certificate.find("-----BEGIN CERTIFICATE-----") == certificate.npos)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("--tls-cert {} holds no certificate in PEM form", options_.certificate.string())};
    auto key = read_secret(options_.key);
    if (!key.ok()) return Error{key.error().code, "--tls-key: " + key.error().message};
    if (key->find("-----BEGIN PRIVATE KEY-----") == key->npos)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("--tls-key {} holds no unencrypted key in PKCS#8 form, which Kafka needs: "
                               "openssl pkcs8 -topk8 -nodes -in OLD -out NEW",
                               options_.key.string())};
    std::error_code failed;
    if (!options_.ca.empty()) security.truststore = fs::absolute(options_.ca, failed).string();
    if (!options_.ca.empty() && !fs::exists(options_.ca, failed))
      return Error{ErrorCode::not_found, "--tls-ca " + options_.ca.string() + " is not there"};
    security.keystore = (folder_ / fmt::format("given-{}.pem", options_.hosts.front())).string();
    return write_secret_file(security.keystore, *key + "\n" + certificate);
  }

  // Nodes among each other: one certificate for all, and no other is trusted, whoever signed it.
  Result<void> inside_certificate(BrokerSecurity& security) {
    security.inside_keystore = (folder_ / "inside.pem").string();
    security.inside_certificate = (folder_ / "inside.crt").string();
    std::error_code failed;
    if (fs::exists(security.inside_keystore, failed)) return check_secret_file(security.inside_keystore);
    auto made = openssl("inside", security.own.name,
                        "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n", {});
    return made.ok() ? join("inside", security.inside_keystore, true) : made;
  }

  std::string names() const {
    std::set<std::string> all(options_.hosts.begin(), options_.hosts.end());
    all.insert({"localhost", "127.0.0.1"});
    std::string text;
    for (const auto& name : all) {
      unsigned char address[sizeof(in6_addr)];
      const bool numeric =
          inet_pton(AF_INET, name.c_str(), address) == 1 || inet_pton(AF_INET6, name.c_str(), address) == 1;
      text += fmt::format("{}{}:{}", text.empty() ? "" : ",", numeric ? "IP" : "DNS", name);
    }
    return text;
  }

  // Leaves <name>.key and <name>.crt; nothing secret stands in its arguments.
  Result<void> openssl(const std::string& name, const std::string& subject, const std::string& extensions,
                       const std::vector<std::string>& signer) {
    const fs::path config = folder_ / (name + ".cnf"), log = folder_ / "openssl.log";
    const auto text = fmt::format(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN={}\n[ext]\n{}", subject, extensions);
    RIDE_TRY(write_secret_file(config, text));
    std::vector<std::string> arguments = {"/usr/bin/env",
                                          "openssl",
                                          "req",
                                          "-x509",
                                          "-newkey",
                                          "ec",
                                          "-pkeyopt",
                                          "ec_paramgen_curve:prime256v1",
                                          "-nodes",
                                          "-days",
                                          kDays,
                                          "-config",
                                          config.string(),
                                          "-keyout",
                                          (folder_ / (name + ".key")).string(),
                                          "-out",
                                          (folder_ / (name + ".crt")).string()};
    arguments.insert(arguments.end(), signer.begin(), signer.end());
    auto tool = process::ChildProcess::start({.arguments = arguments,
                                              .environment = {},
                                              .working_folder = folder_,
                                              .output = log,
                                              .signal_on_parent_death = SIGKILL});
    if (!tool.ok()) return tool.error();
    const bool ended = (*tool)->wait_until_ended(kOpensslPatience);
    std::error_code ignored;
    fs::remove(config, ignored);
    if (ended && (*tool)->exit_code() == 0) {
      fs::remove(log, ignored);
      ::chmod((folder_ / (name + ".key")).c_str(), 0600);
      return {};
    }
    return Error{
        ErrorCode::internal,
        fmt::format(
            "openssl could not make a certificate (is it there, in version 3? Debian: apt-get install openssl), "
            "see {}; or give your own with --tls-cert and --tls-key",
            log.string())};
  }

  // Key and certificate in one file, as Kafka reads them.
  Result<void> join(const std::string& name, const fs::path& into, bool keep_certificate) {
    const fs::path key = folder_ / (name + ".key"), certificate = folder_ / (name + ".crt");
    auto written = write_secret_file(into, file_text(key) + file_text(certificate));
    std::error_code ignored;
    fs::remove(key, ignored);
    if (!keep_certificate) fs::remove(certificate, ignored);
    return written;
  }

  const SecureOptions& options_;
  const fs::path folder_;
};

}  // namespace

Result<std::vector<BrokerUser>> parse_users(const std::string& file, const std::string& text) {
  std::vector<BrokerUser> users;
  int number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    const auto colon = line.find(':');
    const auto wrong = [&](const std::string& why) {
      return Error{ErrorCode::invalid_argument, fmt::format("{}:{}: {}", file, number, why)};
    };
    if (colon == line.npos) return wrong("a line is 'name:password'");
    BrokerUser user{line.substr(0, colon), line.substr(colon + 1)};
    if (!is_word(user.name, "-_.")) return wrong("a name has letters, digits, '-', '_' and '.', at most 128");
    if (!is_word(user.password, "-_.~+/") || user.password.size() < kShortestPassword)
      return wrong(fmt::format(
          "the password of {} has to have 12 to 128 letters, digits, '-', '_', '.', '~', '+' and '/'", user.name));
    if (std::ranges::find(users, user.name, &BrokerUser::name) != users.end())
      return wrong(user.name + " is there twice");
    users.push_back(std::move(user));
  }
  return users;
}

Result<SecureFolder> open_secure_folder(const SecureOptions& options) {
  RIDE_CHECK(!options.hosts.empty(), "a certificate needs a name");
  SecureOptions absolute = options;
  std::error_code failed;
  absolute.folder = fs::weakly_canonical(fs::absolute(options.folder), failed);
  if (absolute.folder.string().find_first_of("\"\\\n") != std::string::npos)
    return Error{ErrorCode::invalid_argument,
                 "the folder's name holds a quote, a backslash or a line break: choose another (--sasl)"};
  RIDE_TRY(make_folder(absolute.folder));
  // Held while files are made: three nodes on one machine may begin with one folder.
  process::FileLock lock(absolute.folder / "lock", failed, 0600);
  if (failed)
    return Error{ErrorCode::permission, "cannot write into " + absolute.folder.string() + ": " + failed.message()};
  lock.lock();
  return Maker(absolute).make();
}

}  // namespace ride::broker
