// Which brokers the files of a topology go to, when nobody but the master says where they are. Pure.
#pragma once

#include <string>

#include "common/result.h"

namespace ride::cli {

struct FilesBrokers {
  std::string named;        // by --brokers and the like, or of the `ride up` of this folder; empty: by nobody
  std::string told;         // by the master, as it reaches them
  std::string master;       // its URL
  std::string credentials;  // the file (--kafka-config) that has a user and a password for the brokers; empty: none
};

// invalid_argument: they are addresses of the master's machine, which is another one; or a user and a password would
// go to an address that only the master names: whoever answers for the master would have them.
Result<std::string> brokers_for_files(const FilesBrokers& asked);

}  // namespace ride::cli
