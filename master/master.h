// Master: the whole shell around the core: leadership, ticks, reports, topics, REST. `ride-master` runs one; tests run
// several in their own process. Threads: its own; start() and stop() from one thread. Failure: start() says why it can
// neither lead nor stand by; afterwards failed() says when it has to end.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/environment.h"
#include "common/result.h"
#include "common/task_decl.h"
#include "master/core/leadership.h"
#include "master/core/state.h"
#include "stream/kafka/client_config.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::master {

struct MasterOptions {
  kafka::ClientConfig kafka;
  std::string prefix = "ride";
  std::string http = "127.0.0.1:7800";  // port 0: a free one
  std::string advertised;               // HOST:PORT at which others reach it; empty: `http`
  std::string host;                     // ... with this name where `http` is all addresses
  std::vector<std::string> http_names;  // by which clients may call it, besides addresses, `host` and `advertised`
  std::vector<std::string> tokens;      // of who may use the API; empty: everybody who reaches it
  bool insecure = false;                // ... also outside loopback
  Rules rules;
  Leadership::Rules leadership;
  std::chrono::milliseconds clean_interval{5000};   // between two looks for records to delete
  Environment environment = process_environment();  // for ${VAR} in topologies
  TaskCatalog catalog = tasks::builtin_catalog();   // what stages may name
};

class Master {
 public:
  // Returns when this master serves, and leads or stands by while another one lives. `stop` ends the wait.
  static Result<std::unique_ptr<Master>> start(const MasterOptions& options, const std::atomic<bool>& stop);
  ~Master();

  std::string url() const;  // "http://127.0.0.1:7800"
  int port() const;
  bool leads() const;
  std::string leader() const;  // URL of the leader; empty: nobody leads
  std::optional<Error> failed() const;
  void stop();

 private:
  struct Parts;
  explicit Master(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ride::master
