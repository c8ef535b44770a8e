// SourceRunner: one assigned source: opens it, paces, sends, reconnects, pauses, ends. What it does is turn(), again
// and again: its thread calls it, or, where it is made without one (the simulator), its owner. Owner: Producer.
// Threads: set_mode(), stop(), progress() and the questions may be called from any; all else is for who takes the
// turns. Failure: fatal() is set when the writer to Kafka is beyond use: then the whole incarnation ends (decision
// 0002). Everything else is reported by progress().error and by notices, and tried again or given up for this source
// alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/clock.h"
#include "common/environment.h"
#include "producer/core/assignments.h"
#include "producer/core/gap_tracker.h"
#include "producer/core/pacer.h"
#include "producer/core/rate_meter.h"
#include "producer/core/silence.h"
#include "producer/earlier_frames.h"
#include "producer/item_manifest.h"
#include "producer/log_access.h"
#include "producer/make_source.h"
#include "producer/outgoing.h"
#include "producer/shared_budget.h"
#include "producer/source.h"
#include "producer/work_budget.h"
#include "source_kinds/source_decl.h"
#include "stream/control.h"

namespace ride::producer {

struct RunnerServices {
  LogAccess& log;
  SharedBudget& budget;
  std::string incarnation;
  Environment environment;
  // Called on the runner's thread.
  std::function<void(stream::Severity, const std::string& code, const std::string& text, bool fatal_for_job)> notify;
  std::chrono::milliseconds finish_limit{5000};  // for what is in flight when the runner is stopped
  std::function<void()> changed;                 // progress has news that should not wait for the next heartbeat
  WorkBudget* work_budget = nullptr;             // of the process; null: one of its own
  Clock clock = {};
};

class SourceRunner {
 public:
  using MakeSource = std::function<MadeSource(ItemManifest&, ItemWatch&)>;
  // Starts the thread. `assignment.job` has a source of this name.
  SourceRunner(Assignment assignment, const std::string& source, RunnerServices services);
  // Without a thread, and with this source: turn() waits for nothing but what the ports of services.log and the source
  // wait for. What earlier owners of a live source wrote is not looked up.
  SourceRunner(Assignment assignment, const std::string& source, RunnerServices services, MakeSource make);
  ~SourceRunner();  // stops and waits; without a thread, what is in flight is given up

  // One step. False: it was stopped, and what was in flight is settled. For who made it without a thread.
  bool turn();

  void set_mode(SourceMode mode);
  void stop();  // finish what is in flight, then the thread ends
  bool finished() const { return finished_; }
  SessionId session() const { return assignment_.session; }

  stream::SourceProgress progress() const;
  std::optional<Error> fatal() const;

 private:
  static constexpr std::chrono::milliseconds kTurn{20};  // how long a turn may wait: commands are seen within it
  using Moment = std::chrono::steady_clock::time_point;

  void run();
  void prepare();
  bool finish();
  Result<void> prepare_once();
  void step();
  void guarded_step();
  void rest(std::chrono::milliseconds time);   // serves the writer meanwhile
  void serve(std::chrono::milliseconds time);  // ... until something is acknowledged
  void sleep_until(Moment until);
  Moment now() const { return services_.clock.now(); }
  bool ensure_open();
  void note_rejected_before();
  void look_up_earlier();
  void forget_earlier();
  void close_source();

  void pull();
  // Reads of a film go on in the library: what is being read is named around them.
  Result<void> open_source();
  Result<Pulled> next_of_source(std::chrono::milliseconds timeout);
  std::optional<WorkBudget::Lease> enter_film();
  void on_frame(CapturedFrame frame);
  void on_rejected();
  void on_source_error(const Error& error);
  void send();
  void send_now(Moment now);
  void pass_over(const std::string& reason);
  void on_acknowledged(std::int64_t number, bool picture);

  void begin_end();
  void finish_end();
  void publish();
  void continue_counts();
  // Its items have numbers that every owner knows: all owners of a run are given the same session.
  bool continues() const { return keeps_session(spec_.kind, spec_.finite); }
  std::int64_t rejected_by_others() const;
  bool live() const { return source_ && source_->state().live; }
  bool stopping() const { return stop_.load(); }

  const Assignment assignment_;
  const stream::SourceSpec& spec_;
  const SourceDecl& kind_;
  RunnerServices services_;

  std::atomic<bool> stop_{false}, finished_{false};
  std::atomic<SourceMode> mode_{SourceMode::run};
  mutable std::mutex mutex_;  // of what other threads look at
  stream::SourceProgress progress_;
  struct Seen {
    RateMeter rate;
    Moment flowed_at{};
    Duration between_frames{};
    bool unacknowledged = false;
  };
  Seen seen_;  // what progress() computes the present rate from
  std::optional<Error> fatal_;
  std::unique_ptr<EarlierFrames> earlier_;  // of a source that begins anew with each owner; set by the runner's thread

  // The runner's thread alone.
  const MakeSource make_;  // empty: by its kind
  bool waits_ = false;     // in a turn: it has a thread
  enum class Phase { preparing, flowing, ending, ended, failed };
  Phase phase_ = Phase::preparing;
  std::optional<Moment> finish_by_;  // it was stopped
  std::unique_ptr<WorkBudget> own_work_budget_;
  std::unique_ptr<ItemWatch> watch_;
  std::unique_ptr<ItemManifest> manifest_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Outgoing> out_;
  std::optional<Pacer> pacer_;
  GapTracker gaps_;
  RateMeter rate_;
  Moment flowed_at_{};         // last acknowledged picture, or when it was opened
  Duration between_frames_{};  // as declared; 0: unknown
  bool open_ = false, connected_ = false, reported_lost_ = false;
  Moment retry_at_{};
  std::string error_;
  std::optional<CapturedFrame> pending_;  // pulled, not sent
  std::optional<RejectedItem> rejected_;  // pulled, not noted down
  bool stamped_ = false;                  // pending_ has its capture time
  std::int64_t next_number_ = 0;          // live: of the next frame; else: of the next item to pull
  std::int64_t settled_before_ = 0;       // items that an earlier owner of this session finished
  std::int64_t rejected_before_ = 0;      // of these
  bool counts_known_ = false;             // rejected_before_ is
  Moment published_at_{};
  std::int64_t acked_ = 0, dropped_ = 0, unusable_ = 0;
  std::int64_t broken_notices_ = 0;
  SystemTime last_frame_{};

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ride::producer
