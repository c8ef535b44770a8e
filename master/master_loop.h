// MasterLoop: the one thread that holds the master's state. It follows both logs; while it leads, events are posted to
// it, it decides, writes decisions, reads them back and applies them before it decides again (decision 0031). While
// another master leads, it stands by and only listens (decision 0008). Questions about the state are answered on this
// thread, leader or not. Call order: start(), then the rest from any thread. Failure: failed() says why the master has
// to end: the log begins with a snapshot that it cannot read, or Kafka refuses. Losing leadership is none, nor is any
// record that somebody else wrote (decision 0021).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "common/steady_wall.h"
#include "master/core/concerns.h"
#include "master/core/decide.h"
#include "master/core/leadership.h"
#include "master/core/snapshot.h"
#include "master/event_ring.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"

namespace ride::master {

class MasterLoop {
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
  MasterLoop(Config config, Ports ports);
  ~MasterLoop();

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
  std::chrono::milliseconds tick_interval() const { return std::chrono::milliseconds(tick_interval_ms_.load()); }

 private:
  static Leadership::Moment now_point();  // of the clock that only runs forward
  static constexpr std::chrono::seconds kPatience{10};
  using Question = std::function<void(const State&)>;

  static Error too_late();
  static Error undecided();  // it is out of our hands
  void put_question(Question question);
  Result<RunNumber> request(const std::function<Event(std::int64_t)>& make);
  void run();
  std::vector<Event> wait_for_events();
  Result<void> round(std::vector<Event> events);
  void answer_questions();
  void refuse_requests(const std::vector<Event>& events);
  void accept_requests(std::vector<Event>& events);
  void note_reports(const std::vector<Event>& events);
  void fail(Error error);
  void drop_requests();

  // the decisions log
  Result<void> read(std::chrono::milliseconds timeout);
  Result<void> reopen_reader();
  Result<void> handle(const stream::ControlReader::Entry& entry);
  Result<void> handle_unreadable(const stream::ControlReader::Entry& entry);
  void handle_counted(const stream::ControlReader::Entry& entry, const stream::Decision& decision, bool mine,
                      const std::vector<Concern>& concerns);
  void refuse(stream::Refused kind, Offset at, const std::string& why);

  // leading
  Result<void> seek_leadership();
  Result<void> claim(const stream::Claim& claim);
  bool change_role();  // true: begins to lead
  Result<void> take_over();
  void say_farewell();
  Result<void> step(std::span<const Event> events);
  Result<void> perform(const Action& action);
  Result<void> append(const std::vector<stream::DecisionBody>& decisions);
  Result<void> wait_for_writer(const Error& why);
  Result<void> read_back(Offset last);
  Result<void> replace_writer(const Error& why);
  std::vector<std::string> encode(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim);
  void stall(const std::string& why);
  void go_on();
  bool is_stopping() const;
  void publish();

  Config config_;
  Ports ports_;
  std::unique_ptr<stream::ControlReader> decisions_;
  std::unique_ptr<stream::ControlWriter> writer_;
  State state_;
  SteadyWall clock_;  // of decisions and their deadlines
  Leadership leadership_;
  bool leading_ = false;                 // as the core knows it: since LeadershipTaken
  std::string log_id_;                   // empty until the first record is read or written
  std::int64_t term_ = 0;                // epoch of our claim ...
  std::int64_t written_ = 0, read_ = 0;  // ... records under it: sent by us, and seen in the log
  Offset next_;                          // of the decisions log: all before it has been taken
  stream::KnownBefore before_;
  stream::Refusals refusals_;
  int writers_ = 1;  // that we had
  SnapshotPlace snapshot_;
  std::mt19937_64 random_{std::random_device{}()};

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
  Leadership published_;  // a copy for other threads
  std::string published_log_;
  std::atomic<bool> stalled_ = false;  // Kafka takes no decisions ...
  std::chrono::steady_clock::time_point stalled_since_{};
  std::atomic<std::int64_t> tick_interval_ms_ = 100;
  std::thread thread_;
};

}  // namespace ride::master
