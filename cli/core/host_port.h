// Where the master of `ride up` serves its API, as the setting `http` says it. Pure.
#pragma once

#include <string>

#include "cli/core/settings.h"
#include "common/host_port.h"

namespace ride::cli {

// "RIDE_HTTP (127.0.0.1:7800)": for messages, the place that has the value, and the value.
std::string where_and_what(const Settings& settings, const std::string& name);

// Port 0: a free one. invalid_argument: not HOST:PORT; names the place that has it.
Result<HostPort> http_address(const Settings& settings);

}  // namespace ride::cli
