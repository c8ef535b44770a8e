// The agent's part in the control plane, on a thread of its own: joins when there is a master, keeps the heartbeats
// going, and joins anew as another incarnation if the master has declared this one lost (whoever has to do so again
// within 10 s waits). Another agent of this node's name fails it. What is reported before the first join is kept and
// sent then. Threads: report(), vouch() and leave() belong to one.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/options.h"
#include "process/machine.h"
#include "stream/control.h"
#include "stream/member.h"

namespace ride::agent {

class Membership {
 public:
  explicit Membership(const Options& options);
  ~Membership();

  struct Running {
    pid_t pid = 0;
    WorkerId id;
  };
  // The children by now: each heartbeat names those that run and are not stopped, as /proc shows at that moment.
  void vouch(std::vector<Running> children);
  // ChildExit and Notice; sent at once, in order.
  void report(stream::ReportBody body);
  // Says goodbye, if we had joined. False: an attempt to reach Kafka is under way, which cannot be broken off; the
  // process may end without waiting for it, since nobody knows of us.
  bool leave(const std::string& reason);
  // A failure that waiting does not fix; the agent ends with it.
  std::optional<Error> failed() const;

 private:
  void run();
  bool serve(stream::Member& member);  // false: join again
  void wait_to_rejoin(std::chrono::steady_clock::time_point joined_at);
  void send_waiting(stream::Member& member);
  void sign(stream::ReportBody& body, const WorkerId& id) const;
  void fill(stream::Heartbeat& beat);

  Options options_;
  process::NodeFacts facts_;
  process::NodeLoad load_;  // heartbeat thread
  double cpu_percent_ = 0;
  std::int64_t memory_available_ = 0, disk_free_ = 0;
  std::chrono::steady_clock::time_point sampled_at_{};
  std::chrono::milliseconds rejoin_wait_{0};  // the thread

  mutable std::mutex mutex_;
  std::vector<Running> children_;
  std::deque<stream::ReportBody> waiting_;
  std::shared_ptr<stream::Member> member_;
  std::optional<Error> failed_;
  std::condition_variable ended_;
  bool running_ = true;  // the thread
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace ride::agent
