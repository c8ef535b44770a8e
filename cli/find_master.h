// Which master and which Kafka a command talks to: what was named, else those of the `ride up` that runs in the state
// folder, else the defaults. Also: what to say when a job is not there. Threads: one.
#pragma once

#include <string>

#include "cli/core/settings.h"
#include "cli/master_client.h"

namespace ride::cli {

Result<MasterClient> find_master(const Settings& settings);
// What the master is shown: the first token of --token-file, else RIDE_TOKEN, else the first of the file that
// RIDE_TOKEN_FILE, ride.conf or `otherwise` names; empty: none. The message of an error never holds it.
Result<std::string> master_token(const Settings& settings, const std::string& otherwise = {});
std::string find_brokers(const Settings& settings);
// The same for a command that needs them: where the cluster of the state folder is down, the error says how to open it.
Result<std::string> brokers_to_ask(const Settings& settings);

// "there is no job 'stret', did you mean 'street'? ..." from the master's list.
Error no_such_job(MasterClient& master, const std::string& job);

}  // namespace ride::cli
