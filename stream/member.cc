#include "stream/member.h"

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "common/redact.h"
#include "common/version.h"
#include "process/proc.h"
#include "process/variables.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"
#include "stream/core/report_flow.h"

namespace ride::stream {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// CPU time and memory of this process.
class SelfUsage {
 public:
  void sample(Heartbeat& beat) {
    if (const auto stat = process::own_stat()) {
      const auto now = steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - last_time_).count();
      if (last_cpu_ >= 0 && seconds > 0.5) percent_ = (stat->cpu_seconds - last_cpu_) / seconds * 100;
      if (last_cpu_ < 0 || seconds > 0.5) {
        last_cpu_ = stat->cpu_seconds;
        last_time_ = now;
      }
    }
    beat.cpu_percent = percent_;
    if (const auto resident = process::own_memory().resident; resident > 0) beat.rss_bytes = resident;
  }

 private:
  double last_cpu_ = -1, percent_ = 0;  // CPU seconds
  steady_clock::time_point last_time_;
};

// About: when it first joined. A process may join several times.
SystemTime process_start() {
  static const SystemTime start = system_now();
  return start;
}

class KafkaMember final : public Member {
 public:
  KafkaMember(Config config, Fill fill, std::unique_ptr<ControlReader> decisions,
              std::unique_ptr<ControlWriter> reports)
      : config_(std::move(config)),
        fill_(std::move(fill)),
        id_(new_incarnation(config_.name)),
        decisions_(std::move(decisions)),
        reports_(std::move(reports)),
        flow_(config_.interval, steady_clock::now()) {
    node_ = config_.node;
  }

  ~KafkaMember() override { stop_thread(); }

  // Reads the log up to its first record, whose id all reports carry.
  Result<void> learn_log(const std::atomic<bool>& stop) {
    bool said = false;
    while (!stop) {
      RIDE_TRY(read_next(milliseconds(200)));
      log_ = filter_.log();
      if (!log_.empty()) return {};
      if (!said) log_info("waiting for a master (none has written to {}.decisions yet)", config_.prefix);
      said = true;
    }
    return Error{ErrorCode::cancelled, "stopped while waiting for a master"};
  }

  void start() {
    flow_ = ReportFlow(config_.interval, steady_clock::now());
    thread_ = guarded_thread("the heartbeat", [this] { beat(); });
  }

  const WorkerId& id() const override { return id_; }

  Result<std::vector<Decision>> poll_decisions(milliseconds timeout) override {
    {
      const std::lock_guard lock(mutex_);
      if (barred_) return *barred_;
    }
    if (backlog_.empty()) RIDE_TRY(read_next(timeout));
    return std::exchange(backlog_, {});
  }
  bool caught_up() const override { return !overtaken_ && decisions_->caught_up() && backlog_.empty(); }

  Result<Offset> ask_end_of_decisions() override { return decisions_->ask_end(); }
  Offset decisions_read() const override { return backlog_.empty() && !overtaken_ ? decisions_->next() : Offset{0}; }

  void post(ReportBody report) override {
    {
      const std::lock_guard lock(mutex_);
      flow_.post(std::move(report));
    }
    wake_.notify_all();
  }

  void beat_now() override {
    {
      const std::lock_guard lock(mutex_);
      flow_.beat_now();
    }
    wake_.notify_all();
  }

  std::int64_t refused_decisions() const override { return refused_; }

  milliseconds since_acknowledged() const override {
    const std::lock_guard lock(mutex_);
    return flow_.since_acknowledged(steady_clock::now());
  }

  void leave(const std::string& reason) override {
    post(Goodbye{id_, reason});
    stop_thread();
  }

 private:
  Result<void> read_next(milliseconds timeout) {
    if (overtaken_) return begin_again(timeout);
    auto entries = decisions_->poll(timeout);
    if (!entries.ok()) {
      overtaken_ = entries.error().code == ErrorCode::corrupt;
      return overtaken_ ? begin_again(timeout) : entries.error();
    }
    for (auto& entry : *entries) RIDE_TRY(handle(entry));
    return {};
  }

  Result<void> handle(const ControlReader::Entry& entry) {
    auto decision = filter_.accept(entry.offset, entry.json, system_now());
    for (const auto& words : filter_.take_words()) log_warning("{}.decisions: {}", config_.prefix, words);
    if (!decision.ok()) return decision.error();
    if (*decision) backlog_.push_back(**std::move(decision));
    refused_ = filter_.refused();
    return {};
  }

  // Truncation overtook us: the log begins with a snapshot now, which replaces whatever our owner knew.
  Result<void> begin_again(milliseconds timeout) {
    auto fresh = open_control_reader(config_.kafka, config_.prefix + ".decisions");
    if (!fresh.ok()) {
      if (!fresh.error().retriable) return fresh.error();
      std::this_thread::sleep_for(timeout);
      return {};  // tried again with the next call
    }
    log_info("{}.decisions was truncated beyond what this process had read: continuing from its snapshot",
             config_.prefix);
    decisions_ = std::move(fresh).value();
    filter_.restart();
    overtaken_ = false;
    return {};
  }

  // The heartbeat thread. Ends when all that was posted before leave() is sent, so far as Kafka takes it.
  void beat() {
    SelfUsage usage;
    while (const auto batch = next_batch()) {
      std::vector<std::string> records;
      records.reserve(batch->posted.size() + 1);
      for (const auto& body : batch->posted) records.push_back(encode(Report{log_, body}));
      if (batch->beats) records.push_back(encode(Report{log_, make_heartbeat(usage)}));
      const auto written = reports_->append_all(records, milliseconds(1000));
      auto step = tell([&] { flow_.wrote(written.ok() ? Result<void>() : written.error()); });
      while (step == ReportFlow::Step::settle) {
        const bool last = stopping_;
        const auto settled = reports_->settle(milliseconds(last ? 1000 : 200));
        step = tell([&] { flow_.settled(settled); });
        if (last && step == ReportFlow::Step::settle) return;  // what is on its way may arrive
      }
      if (step == ReportFlow::Step::at_rest) said_.clear();
      while (step == ReportFlow::Step::broken && !stopping_) step = reopen();
    }
  }

  // Nothing: it stops, and everything is sent.
  std::optional<ReportFlow::Batch> next_batch() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (auto batch = flow_.take(steady_clock::now())) return batch;
      if (stopping_) return std::nullopt;
      wake_.wait_until(lock, flow_.beat_at(), [&] { return stopping_ || flow_.is_due(steady_clock::now()); });
    }
  }

  template <class What>
  ReportFlow::Step tell(What what) {
    const std::lock_guard lock(mutex_);
    what();
    return flow_.step();
  }

  Heartbeat make_heartbeat(SelfUsage& usage) {
    Heartbeat beat;
    beat.id = id_;
    beat.kind = config_.kind;
    beat.node = config_.node;
    beat.pid = ::getpid();
    beat.host = host_;
    beat.started = started_;
    beat.version = version();
    beat.at = system_now();
    usage.sample(beat);
    if (fill_) fill_(beat);
    return beat;
  }

  // The reports' own producer failed for good: frames are not touched by that, a new one takes over. Unless we may not
  // write there at all: who reads decisions sees it.
  ReportFlow::Step reopen() {
    const auto& why = flow_.why_broken();
    if (why.code == ErrorCode::permission) {
      const std::lock_guard lock(mutex_);
      barred_ = why;
    }
    if (why.message != said_) log_warning("no heartbeat arrives: {}; a new client is made", why.message);
    said_ = why.message;
    auto writer = open_control_writer(config_.kafka, config_.prefix + ".reports");
    if (writer.ok()) {
      reports_ = std::move(writer).value();
      return tell([&] { flow_.writer_made(); });
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, milliseconds(200), [&] { return stopping_.load(); });
    return flow_.step();
  }

  void stop_thread() {
    {
      const std::lock_guard lock(mutex_);
      flow_.leave();
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Config config_;
  Fill fill_;
  WorkerId id_;
  const std::string host_ = process::host_name("");
  const SystemTime started_ = process_start();
  std::unique_ptr<ControlReader> decisions_;
  std::unique_ptr<ControlWriter> reports_;  // heartbeat thread
  DecisionsFilter filter_;
  std::string log_;  // for the heartbeat thread: known before it starts, and never another one
  std::atomic<std::int64_t> refused_ = 0;
  std::string said_;        // of its trouble
  bool overtaken_ = false;  // by truncation; the reader is to be opened anew
  std::vector<Decision> backlog_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  ReportFlow flow_;
  std::optional<Error> barred_;  // by the cluster: reports may not be written
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// Until the control topics are there: a master makes them.
Result<std::unique_ptr<ControlReader>> wait_for_decisions(const Member::Config& config, const std::atomic<bool>& stop) {
  std::string said;
  while (!stop) {
    auto reader = open_control_reader(config.kafka, config.prefix + ".decisions");
    if (reader.ok()) return reader;
    const bool passes = reader.error().retriable || reader.error().code == ErrorCode::not_found;
    if (!passes) return reader.error();
    const auto text = reader.error().code == ErrorCode::not_found
                          ? "waiting for a master: topic " + config.prefix + ".decisions is not there yet"
                          : "waiting for Kafka: " + reader.error().message;
    if (text != said) log_info("{}", text);
    said = text;
    std::this_thread::sleep_for(milliseconds(100));
  }
  return Error{ErrorCode::cancelled, "stopped while waiting for Kafka"};
}

}  // namespace

void Member::notice(Severity severity, std::string code, const std::string& text, std::string job, std::string stage,
                    bool fatal_for_job) {
  const auto level = severity == Severity::error     ? LogLevel::error
                     : severity == Severity::warning ? LogLevel::warning
                                                     : LogLevel::info;
  log_line(level, text);
  post(Notice{.from = id(),
              .node = node_,
              .severity = severity,
              .code = std::move(code),
              .text = redact(text),
              .job = std::move(job),
              .stage = std::move(stage),
              .fatal_for_job = fatal_for_job,
              .at = system_now()});
}

WorkerId new_incarnation(const std::string& name) {
  // An agent chooses the first incarnation of a child, so that it can name it when it sees it end.
  static std::atomic<bool> taken = false;
  const char* given = std::getenv(process::kIncarnationVariable);
  if (given != nullptr && std::string(given).starts_with(name + "#") && !taken.exchange(true)) return WorkerId{given};
  std::random_device random;
  return WorkerId{fmt::format("{}#{:08x}{:08x}", name, random(), random())};
}

Result<std::unique_ptr<Member>> Member::join(Config config, Fill fill, const std::atomic<bool>& stop) {
  RIDE_ASSIGN(auto decisions, wait_for_decisions(config, stop));
  Result<std::unique_ptr<ControlWriter>> reports = Error{};
  while (!stop) {
    reports = open_control_writer(config.kafka, config.prefix + ".reports");
    if (reports.ok() || !(reports.error().retriable || reports.error().code == ErrorCode::not_found)) break;
    std::this_thread::sleep_for(milliseconds(100));
  }
  if (!reports.ok()) return reports.error();
  auto member = std::make_unique<KafkaMember>(std::move(config), std::move(fill), std::move(decisions),
                                              std::move(reports).value());
  RIDE_TRY(member->learn_log(stop));
  member->start();
  return std::unique_ptr<Member>(std::move(member));
}

}  // namespace ride::stream
