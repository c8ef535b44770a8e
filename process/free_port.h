// Free TCP ports. A port that is free now may be taken a moment later: callers try again when the start shows it.
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::process {

// `count` different ports nobody listens on, from below the range that the system gives to outgoing connections: a
// broker that is down for a moment finds its port free again. resource_exhausted: none found. invalid_argument: not an
// address of this machine.
Result<std::vector<int>> free_ports(const std::string& host, int count);

// already_exists: another program has it. invalid_argument: the address is not of this machine. permission: below 1024.
Result<void> check_port_free(const std::string& host, int port);

}  // namespace ride::process
