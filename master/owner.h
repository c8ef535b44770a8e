// Owner: the one thread that holds the master's state. Events are posted to it; it decides, writes decisions, reads
// them back and applies them before it decides again (D2). Questions about the state are answered on this thread. Call
// order: lead(), then start(), then the rest from any thread. Failure: failed() says why the master has to end: it was
// deposed, the log is another one, or Kafka refuses.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "master/core/decide.h"
#include "master/event_ring.h"
#include "stream/control_client.h"

namespace ride::master {

class Owner {
 public:
  struct Config {
    std::string id;    // of this process start
    std::string http;  // where the API is
    Rules rules;
  };
  struct Ports {
    std::unique_ptr<stream::ControlReader> decisions;
    std::unique_ptr<stream::ControlWriter> writer;  // of decisions
    EventRing& events;
    Metrics& metrics;
    std::function<void(const EnsureTopics&)> ensure;  // must not wait
    std::function<void(const DeleteTopics&)> remove;
  };
  Owner(Config config, Ports ports);
  ~Owner();

  // Reads the log, claims leadership and reads its own claim back as the winner.
  Result<void> lead(const std::atomic<bool>& stop);
  void start();
  void stop();

  // Waits while the queue is full: reports are not thrown away.
  void post(std::vector<Event> events);

  // Runs `question` on the owner's thread. unavailable when it does not come to it in time.
  template <class T>
  Result<T> ask(std::function<T(const State&)> question) {
    auto answer = std::make_shared<std::promise<T>>();
    auto future = answer->get_future();
    // The only one to hold the promise: when the question is dropped, the future knows.
    put_question([answer = std::move(answer), question = std::move(question)](const State& state) {
      answer->set_value(question(state));
    });
    if (future.wait_for(kPatience) != std::future_status::ready) return too_late();
    try {
      return future.get();
    } catch (const std::future_error&) {  // the question was dropped: the master ends
      return too_late();
    }
  }
  // A request that leads to a decision; the answer comes when it stands in the log.
  Result<RunNumber> submit(stream::JobSpec spec, std::string topology);
  Result<RunNumber> change_phase(const JobName& job, PhaseCommand command, bool delete_topics);

  std::optional<Error> failed() const;
  bool ready() const { return ready_; }  // leads, and the log is not stalled
  bool may_tick() const { return ready_; }
  std::chrono::milliseconds tick_interval() const { return std::chrono::milliseconds(tick_interval_ms_.load()); }
  const stream::Claim& claim() const { return claim_; }  // after lead()
  const std::string& log_id() const { return log_id_; }  // after lead()

 private:
  static constexpr std::chrono::seconds kPatience{10};
  using Question = std::function<void(const State&)>;

  static Error too_late();
  void put_question(Question question);
  Result<RunNumber> request(std::int64_t ticket, Event event);
  void run();
  void answer_questions();
  Result<void> step(const std::vector<Event>& events);
  Result<void> watch_log();
  Result<void> take(const stream::ControlReader::Entry& entry);
  Result<void> perform(const Action& action);
  Result<void> append(const std::vector<stream::DecisionBody>& decisions);
  Result<void> read_back();
  void note_report(const Event& event);
  void fail(Error error);
  void drop_requests();

  Config config_;
  Ports ports_;
  State state_;
  stream::Claim claim_;
  std::string log_id_;
  bool leading_ = false;
  std::int64_t written_ = 0, read_ = 0;  // own decisions: sent, and seen in the log

  mutable std::mutex mutex_;
  std::condition_variable wake_, room_;
  std::deque<Event> queue_;
  std::deque<Question> questions_;
  std::map<std::int64_t, std::promise<Result<RunNumber>>> tickets_;
  std::int64_t next_ticket_ = 1;
  std::optional<Error> failure_;
  bool stopping_ = false;
  std::atomic<bool> ready_ = false;
  std::atomic<std::int64_t> tick_interval_ms_ = 100;
  std::thread thread_;
};

}  // namespace ride::master
