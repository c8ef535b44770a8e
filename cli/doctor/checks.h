// What RIDE needs on this machine, looked at one by one. Reads and probes only, changes nothing. Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cli/core/doctor_view.h"
#include "cli/core/settings.h"

namespace ride::cli {

std::vector<Check> examine(const Settings& settings);

// Its parts, for tests and for `ride up`.
Check check_java();
Check check_kafka_jars();
Check check_programs();
Check check_gpu();
Check check_cameras();
Check check_video();
Check check_python();
Check check_resources();
Check check_disk(const std::string& folder);
Check check_port(const std::string& name, int port);
Check check_cluster(const Settings& settings);

}  // namespace ride::cli
