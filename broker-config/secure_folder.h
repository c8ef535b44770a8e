// The folder of `ride broker --sasl`: users with their passwords, certificates, and for each user a file for
// --kafka-config. Made at the first start, with passwords and certificates of its own; whoever has it, has the cluster,
// so it is for its owner alone (mode 0700, files 0600). The nodes of a cluster get copies of one folder. Threads: one;
// several processes may open it at once. Failure: place, cause and fix; nothing is half made.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "broker-config/settings.h"
#include "common/result.h"

namespace ride::broker {

struct SecureOptions {
  std::filesystem::path folder;
  std::string prefix = "ride";                 // <prefix>-broker and <prefix>-admin may do everything
  std::vector<std::string> users;              // that get a password when the folder is made
  std::string mechanism = "PLAIN";             // that RIDE's own clients log in with; see settings.cc
  std::vector<std::string> hosts;              // names and addresses that clients know this node by
  std::filesystem::path certificate, key, ca;  // PEM; empty: made by openssl, and kept in the folder
};

struct SecureFolder {
  BrokerSecurity security;      // for the broker's settings
  std::filesystem::path admin;  // the admin's file for --kafka-config
};

Result<SecureFolder> open_secure_folder(const SecureOptions& options);

// Lines "name:password", '#' begins a comment. invalid_argument: names the line, never its password. Exposed for tests.
Result<std::vector<BrokerUser>> parse_users(const std::string& file, const std::string& text);

}  // namespace ride::broker
