// Member: a process's part in the control plane. Sends its heartbeats and reports to `<prefix>.reports`, reads
// `<prefix>.decisions`, each over a connection of its own (decision 0026). Used by workers, producers and agents.
// Threads: one inner thread sends heartbeats; poll_decisions() belongs to one thread of the owner; post() and the
// questions may be used from any. Failure: join() fails only when stopped or misconfigured; a cluster that is away is
// waited for.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "stream/control.h"
#include "stream/kafka/client_config.h"

namespace ride::stream {

class Member {
 public:
  struct Config {
    kafka::ClientConfig kafka;
    std::string prefix = "ride";
    std::string name;  // of the slot, kept over restarts: "node1-w2"; the incarnation is added
    NodeName node;
    ProcessKind kind = ProcessKind::worker;
    std::chrono::milliseconds interval{100};
  };
  // Adds what the process knows to the next heartbeat. Runs on the heartbeat thread: short, no waiting.
  using Fill = std::function<void(Heartbeat&)>;

  // Waits for the control topics and the first record of a master, saying so in the log; `stop` ends the wait.
  static Result<std::unique_ptr<Member>> join(Config config, Fill fill, const std::atomic<bool>& stop);
  virtual ~Member() = default;

  virtual const WorkerId& id() const = 0;
  // What was decided since the last call, oldest first: only records of the standing leader count and are returned. A
  // snapshot among them (all its parts) replaces what was known before. Records that are none are refused and reported
  // in the log. Error: also a log that begins with a snapshot that cannot be read; permission: the cluster refuses our
  // user, or lets it write no reports.
  virtual Result<std::vector<Decision>> poll_decisions(std::chrono::milliseconds timeout) = 0;
  // All that stood in the log when we joined has been returned: only now may the process act.
  virtual bool caught_up() const = 0;
  virtual std::int64_t refused_decisions() const { return 0; }  // records so far; any thread
  // Asks the brokers where the decisions end now; all before that has been returned when decisions_read() is there.
  virtual Result<Offset> ask_end_of_decisions() = 0;
  virtual Offset decisions_read() const = 0;
  // Sent soon, in order, before the next heartbeat.
  virtual void post(ReportBody report) = 0;
  void notice(Severity severity, std::string code, const std::string& text, std::string job = {},
              std::string stage = {}, bool fatal_for_job = false);
  // A heartbeat goes out at once instead of at the next interval (something changed).
  virtual void beat_now() = 0;
  // How long ago the last acknowledged heartbeat was sent: above 10 s the process drops what it owns (decision 0025).
  virtual std::chrono::milliseconds since_acknowledged() const = 0;
  // Stops the heartbeats and says goodbye. Call after everything owned is finished and committed.
  virtual void leave(const std::string& reason) = 0;

 protected:
  NodeName node_;
};

// "name#3f9a…": a new one at every call. The first call of a process takes RIDE_INCARNATION, which an agent sets for
// its child.
WorkerId new_incarnation(const std::string& name);

}  // namespace ride::stream
