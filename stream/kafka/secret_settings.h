// Where passwords for Kafka may stand: in a file that its owner alone reads, never on a command line. Threads: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::kafka {

// `in_file`: the key=value lines of `file` (--kafka-config); `on_command_line`: those of --kafka. permission: the file
// holds a password or key and others may read or change it; invalid_argument: a password on the command line. No
// message repeats one.
Result<void> check_secret_settings(const std::string& file, const std::vector<std::string>& in_file,
                                   const std::vector<std::string>& on_command_line);

// Whether a client with these settings shows its brokers a user and a password, or a token.
bool logs_in(const std::map<std::string, std::string>& settings);

}  // namespace ride::kafka
