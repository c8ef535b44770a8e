#include "master/owner.h"

#include <array>
#include <random>

#include "common/log.h"
#include "master/core/apply.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kQueueLimit = 20'000;
constexpr std::size_t kBatch = 2'000;
constexpr milliseconds kAppendTimeout{5'000};
constexpr std::chrono::minutes kStallLimit{5};

constexpr std::array<const char*, std::variant_size_v<stream::DecisionBody>> kDecisionNames = {
    "claim", "job", "phase", "assign", "releasing", "source", "group", "out"};
constexpr std::array<const char*, std::variant_size_v<stream::ReportBody>> kReportNames = {
    "tick", "heartbeat", "child_exit", "goodbye", "released", "notice"};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

void write_log(stream::Severity severity, const std::string& text) {
  switch (severity) {
    case stream::Severity::info:
      return log_line(LogLevel::info, text);
    case stream::Severity::warning:
      return log_line(LogLevel::warning, text);
    case stream::Severity::error:
      return log_line(LogLevel::error, text);
  }
}

}  // namespace

Owner::Owner(Config config, Ports ports) : config_(std::move(config)), ports_(std::move(ports)) {
  state_.rules = config_.rules;
}

Owner::~Owner() { stop(); }

// ---- leadership
// ------------------------------------------------------------------------------------------------------

Result<void> Owner::lead(const std::atomic<bool>& stop) {
  while (!ports_.decisions->caught_up()) {
    if (stop) return Error{ErrorCode::cancelled, "stopped while reading the decisions"};
    auto entries = ports_.decisions->poll(milliseconds(200));
    if (!entries.ok()) return entries.error();
    for (const auto& entry : *entries)
      if (auto taken = take(entry); !taken.ok()) return taken;
  }
  const auto& standing = state_.hard.standing;
  log_id_ = standing.log().empty() ? random_id() : standing.log();
  claim_ = {.epoch = standing.epoch() + 1, .id = config_.id, .http = config_.http};
  const auto begin = steady_clock::now();
  if (auto appended = append({claim_}); !appended.ok()) return appended;
  if (standing.epoch() != claim_.epoch || standing.leader() != claim_.id)
    return Error{ErrorCode::already_exists,
                 fmt::format("another master ({}) claimed epoch {} first: stop one of the two", standing.leader(),
                             standing.epoch())};
  leading_ = true;
  log_info("leads with epoch {} after {:.0f} ms (log {}, {} jobs known)", claim_.epoch, seconds_since(begin) * 1000,
           log_id_, state_.hard.jobs.size());
  return {};
}

// ---- from other threads
// ----------------------------------------------------------------------------------------------

void Owner::start() {
  post({LeadershipTaken{}});
  ready_ = true;
  thread_ = std::thread([this] { run(); });
}

void Owner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_ = false;
  wake_.notify_all();
  room_.notify_all();
  if (thread_.joinable()) thread_.join();
  drop_requests();
}

// Who waits for an answer is told at once that there is none.
void Owner::drop_requests() {
  const std::lock_guard lock(mutex_);
  questions_.clear();
  tickets_.clear();
}

void Owner::post(std::vector<Event> events) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopping_ || failure_ || queue_.size() < kQueueLimit; });
    if (stopping_ || failure_) return;
    for (auto& event : events) queue_.push_back(std::move(event));
  }
  wake_.notify_all();
}

void Owner::put_question(Question question) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && !failure_) questions_.push_back(std::move(question));
  }
  wake_.notify_all();
}

Error Owner::too_late() {
  return Error{ErrorCode::unavailable, "the master is waiting for Kafka and cannot answer now: try again", true};
}

Result<RunNumber> Owner::request(std::int64_t ticket, Event event) {
  std::future<Result<RunNumber>> answer;
  {
    const std::lock_guard lock(mutex_);
    answer = tickets_[ticket].get_future();
  }
  post({std::move(event)});
  if (answer.wait_for(kPatience) == std::future_status::ready) {
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return too_late();
    }
  }
  const std::lock_guard lock(mutex_);
  tickets_.erase(ticket);
  return too_late();
}

Result<RunNumber> Owner::submit(stream::JobSpec spec, std::string topology) {
  std::int64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = next_ticket_++;
  }
  return request(ticket, SubmitRequest{ticket, std::move(spec), std::move(topology)});
}

Result<RunNumber> Owner::change_phase(const JobName& job, PhaseCommand command, bool delete_topics) {
  std::int64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = next_ticket_++;
  }
  return request(ticket, PhaseRequest{ticket, job, command, delete_topics});
}

std::optional<Error> Owner::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Owner::fail(Error error) {
  ready_ = false;
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  drop_requests();
  room_.notify_all();
}

// ---- the owner's thread
// ----------------------------------------------------------------------------------------------

void Owner::run() {
  for (;;) {
    std::vector<Event> events;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, milliseconds(50), [this] { return stopping_ || !queue_.empty() || !questions_.empty(); });
      if (stopping_) return;
      while (!queue_.empty() && events.size() < kBatch) {
        events.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    room_.notify_all();
    answer_questions();
    for (const auto& event : events) note_report(event);
    auto done = watch_log();
    if (done.ok()) done = step(events);
    if (!done.ok()) {
      if (done.error().code != ErrorCode::cancelled) fail(done.error());
      return;
    }
  }
}

void Owner::answer_questions() {
  std::deque<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (const auto& question : questions) question(state_);
}

void Owner::note_report(const Event& event) {
  const auto* report = std::get_if<ReportRead>(&event);
  if (report == nullptr) return;
  ports_.metrics.add("ride_read_reports_total", {kReportNames[report->body.index()]});
  const auto* notice = std::get_if<stream::Notice>(&report->body);
  if (notice == nullptr) return;
  ports_.events.add(report->at, {notice->severity, notice->code, notice->job, notice->stage,
                                 fmt::format("{}: {}", notice->from.value, notice->text)});
}

Result<void> Owner::step(const std::vector<Event>& events) {
  std::span<const Event> batch(events);
  do {  // what one step leaves to be looked at again, the next one takes
    const auto begin = steady_clock::now();
    const auto actions = decide(state_, batch, system_now());
    if (!batch.empty()) ports_.metrics.observe("ride_decide_step_seconds", {}, seconds_since(begin));
    for (const auto& action : actions)
      if (auto done = perform(action); !done.ok()) return done;
    batch = {};
  } while (state_.soft.due.any());
  tick_interval_ms_ = master::tick_interval(state_).count();
  return {};
}

Result<void> Owner::perform(const Action& action) {
  if (const auto* decisions = std::get_if<Append>(&action)) return append(decisions->decisions);
  if (const auto* topics = std::get_if<EnsureTopics>(&action)) {
    ports_.ensure(*topics);
  } else if (const auto* topics = std::get_if<DeleteTopics>(&action)) {
    ports_.remove(*topics);
  } else if (const auto* answer = std::get_if<Answer>(&action)) {
    const std::lock_guard lock(mutex_);
    if (const auto found = tickets_.find(answer->ticket); found != tickets_.end()) {
      found->second.set_value(answer->result);
      tickets_.erase(found);
    }
  } else if (const auto* tell = std::get_if<Tell>(&action)) {
    write_log(tell->severity, tell->text);
    ports_.events.add(system_now(), {tell->severity, tell->code, tell->job, tell->stage, tell->text});
  }
  return {};
}

Result<void> Owner::append(const std::vector<stream::DecisionBody>& decisions) {
  const auto begin = steady_clock::now();
  std::vector<std::string> records;
  for (const auto& body : decisions)
    records.push_back(stream::encode(stream::Decision{log_id_, claim_.epoch, claim_.id, body}));
  written_ += static_cast<std::int64_t>(records.size());
  auto appended = ports_.writer->append_all(records, kAppendTimeout);
  while (!appended.ok()) {
    if (!appended.error().retriable)
      return Error{appended.error().code, "cannot write decisions: " + appended.error().message};
    // They are on their way and arrive once, in order, when Kafka is back. Until then nothing is decided and no tick
    // sent.
    if (ready_.exchange(false)) log_warning("decisions wait for Kafka: {}", appended.error().message);
    if (steady_clock::now() - begin > kStallLimit)
      return Error{ErrorCode::timeout, "Kafka took no decision for 5 minutes; start the master again when it is back"};
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return Error{ErrorCode::cancelled, "stopped"};
    }
    answer_questions();
    auto settled = ports_.writer->settle(milliseconds(200));
    if (settled.ok()) break;
    appended = settled.error();
  }
  if (auto done = read_back(); !done.ok()) return done;
  ports_.metrics.observe("ride_append_decision_seconds", {}, seconds_since(begin));
  if (leading_) ready_ = true;
  return {};
}

Result<void> Owner::read_back() {
  const auto begin = steady_clock::now();
  while (read_ < written_) {
    auto entries = ports_.decisions->poll(milliseconds(100));
    if (!entries.ok()) return entries.error();
    for (const auto& entry : *entries)
      if (auto taken = take(entry); !taken.ok()) return taken;
    const auto waited = steady_clock::now() - begin;
    if (waited > std::chrono::seconds(2) && ready_.exchange(false)) log_warning("waiting to read the decisions back");
    if (waited > kStallLimit)
      return Error{ErrorCode::timeout, "what was written to the decisions log cannot be read back"};
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error{ErrorCode::cancelled, "stopped"};
  }
  return {};
}

Result<void> Owner::watch_log() {
  auto entries = ports_.decisions->poll(milliseconds(0));
  if (!entries.ok()) return entries.error();
  for (const auto& entry : *entries)
    if (auto taken = take(entry); !taken.ok()) return taken;
  return {};
}

Result<void> Owner::take(const stream::ControlReader::Entry& entry) {
  auto decision = stream::decode_decision(entry.json);
  if (!decision.ok()) {
    // A record that nobody understands cannot be skipped by some and obeyed by others: all readers skip it, and say so.
    log_error("decisions log, offset {}: {}; it is skipped", entry.offset.value, decision.error().message);
    return {};
  }
  const bool mine = !claim_.id.empty() && decision->leader == claim_.id;
  if (mine) ++read_;
  switch (apply(state_, *decision)) {
    case Applied::foreign_log:
      return Error{ErrorCode::corrupt,
                   fmt::format("offset {} of the decisions log belongs to log {}, not to {}: somebody mixed two "
                               "clusters or wiped one topic only; delete both control topics, or use another --prefix",
                               entry.offset.value, decision->log, state_.hard.standing.log())};
    case Applied::contradiction:
      log_error("decisions log, offset {}: contradicts what stands before it: {}", entry.offset.value,
                describe(decision->body).text);
      return {};
    case Applied::void_claim:
      return {};
    case Applied::counted:
      break;
  }
  const auto& standing = state_.hard.standing;
  if (leading_ && (standing.epoch() != claim_.epoch || standing.leader() != claim_.id))
    return Error{ErrorCode::already_exists, fmt::format("deposed: master {} at {} leads now, with epoch {}",
                                                        standing.leader(), state_.hard.claim.http, standing.epoch())};
  auto words = describe(decision->body);
  if (mine) {
    ports_.metrics.add("ride_written_decisions_total", {kDecisionNames[decision->body.index()]});
    write_log(words.severity, words.text);
  }
  ports_.events.add(entry.timestamp, std::move(words));
  return {};
}

}  // namespace ride::master
