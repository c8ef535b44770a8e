// MasterLoop: the one thread that holds the master's state. It does what the Decider wants, over Kafka: reads the
// decisions log, appends to it, and hands over the events that are posted. Questions about the state are answered on
// this thread, whether it leads or stands by (decision 0008). Call order: start(), then the rest from any thread.
// Failure: failed() says why the master has to end: the log begins with a snapshot that it cannot read, or Kafka
// refuses.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "master/core/decider.h"
#include "master/event_ring.h"
#include "stream/control_client.h"

namespace ride::master {

class MasterLoop final : private DeciderPorts {
 public:
  struct Config {
    std::string id;    // of this process start
    std::string http;  // where the API is, as others reach it
    Rules rules;
    Leadership::Rules leadership;
  };
  struct Ports {
    std::function<Result<std::unique_ptr<stream::ControlReader>>()> open_reader;  // of decisions
    std::function<Result<std::unique_ptr<stream::ControlWriter>>()> open_writer;  // of decisions
    EventRing& events;
    Metrics& metrics;
    // These must not wait.
    std::function<void(const EnsureTopics&)> ensure;
    std::function<void(const DeleteTopics&)> remove;
    std::function<void(Offset)> truncate;  // the decisions log, before this offset
  };
  MasterLoop(const Config& config, Ports ports);
  ~MasterLoop() override;

  Result<void> start();  // opens the clients and begins to read
  void stop();           // a leader hands over

  // Waits while the queue is full: reports are not thrown away.
  void post(std::vector<Event> events, std::size_t bytes = 0);  // bytes: as they stood in the log

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
  // A request that leads to a decision; the answer comes when it stands in the log. unavailable: another master leads.
  // Of a job that runs: the run that goes on when what differs takes effect within it, or the run that is to follow.
  // `ends`: where that run ends in its adopted topics when it is drained.
  Result<RunNumber> submit(stream::JobSpec spec, std::string topology, bool replace = false, stream::LogEnds ends = {});
  Result<RunNumber> change_phase(const PhaseRequest& requested);  // its ticket is filled in
  Result<RunNumber> scale(const ScaleRequest& requested);         // its ticket is filled in

  // Who leads, as far as this master knows.
  struct View {
    Leadership::Role role = Leadership::Role::reading;
    bool is_led = false;   // someone leads: this master, or one whose ticks are in the log
    stream::Claim leader;  // the standing claim; empty id: none
    std::string log;       // id; empty while it is unknown
    std::chrono::milliseconds since_tick{0};
    bool waits_for_kafka = false;  // we lead, and Kafka takes no decisions
  };
  View view() const;
  std::optional<Error> failed() const;
  bool ready() const;  // leads and the log is not stalled, or stands by and knows a leader
  // The tick to send now; nothing when this master may not (decision 0008).
  std::optional<stream::Report> tick(std::int64_t number) const;
  std::chrono::milliseconds tick_interval() const;

 private:
  static Leadership::Moment now_point();  // of the clock that only runs forward
  static constexpr std::chrono::seconds kPatience{10};
  using Question = std::function<void(const State&)>;

  static Error too_late();
  static Error undecided();  // it is out of our hands
  void put_question(Question question);
  void drop_everything();  // that waits for an answer
  Result<RunNumber> request(const std::function<Event(std::int64_t)>& make);

  // the thread
  void run();
  std::vector<Event> wait_for_events();
  Result<void> serve_log();
  Result<void> read(std::chrono::milliseconds timeout);
  Result<void> reopen_reader();
  Result<void> replace_writer();
  void answer_questions();
  void say_farewell();
  void publish();
  void fail(Error error);
  void nap();
  bool is_stopping() const;

  // what the decider asks for and tells
  void ensure(const EnsureTopics& topics) override { ports_.ensure(topics); }
  void remove(const DeleteTopics& topics) override { ports_.remove(topics); }
  void truncate(Offset before) override { ports_.truncate(before); }
  bool take_request(std::int64_t ticket) override;
  void answer(const Answer& answer) override;
  void drop_requests() override;
  void counted(const stream::Decision& decision, SystemTime at, bool mine,
               const std::vector<Concern>& concerns) override;
  void refused(stream::Refused kind, const std::string& why) override;
  void heard(const ReportRead& report) override;
  void told(const Notify& notify) override;
  void log(LogLevel level, const std::string& text) override;
  void count(const char* metric) override;
  void observe(const char* metric, double seconds) override;

  Ports ports_;
  std::unique_ptr<stream::ControlReader> decisions_;
  std::unique_ptr<stream::ControlWriter> writer_;
  std::mt19937_64 random_{std::random_device{}()};
  Decider decider_;
  stream::Refusals refusals_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, space_;
  struct Queued {
    Event event;
    std::size_t bytes = 0;
  };
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::deque<Question> questions_;
  struct Ticket {
    std::promise<Result<RunNumber>> answer;
    std::shared_ptr<std::atomic<bool>> taken;  // it may lead to a decision from here on
  };
  std::map<std::int64_t, Ticket> tickets_;
  std::int64_t next_ticket_ = 1;
  std::optional<Error> failure_;
  bool stopping_ = false;
  Decider::Status published_;  // a copy for other threads
  std::thread thread_;
};

}  // namespace ride::master
