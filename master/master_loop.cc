#include "master/master_loop.h"

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kQueueLimit = 20'000;
constexpr std::size_t kQueuedBytes = 64 << 20;
constexpr std::size_t kBatch = 500;  // reports taken before the owner looks at leadership, and at who asks, again
constexpr milliseconds kAppendTimeout{1'000};

std::string random_id(std::mt19937_64& random) { return fmt::format("{:016x}", random()); }

LogLevel level_of(stream::Severity severity) {
  switch (severity) {
    case stream::Severity::info:
      return LogLevel::info;
    case stream::Severity::warning:
      return LogLevel::warning;
    case stream::Severity::error:
      return LogLevel::error;
  }
  return LogLevel::error;
}

}  // namespace

Leadership::Moment MasterLoop::now_point() {
  return std::chrono::duration_cast<Leadership::Moment>(steady_clock::now().time_since_epoch());
}

MasterLoop::MasterLoop(const Config& config, Ports ports)
    : ports_(std::move(ports)),
      decider_({.id = config.id,
                .http = config.http,
                .new_log = random_id(random_),
                .rules = config.rules,
                .leadership = config.leadership},
               *this, Clock{}, [this] { return std::uniform_real_distribution<double>(0, 1)(random_); }),
      published_(decider_.status()) {}

MasterLoop::~MasterLoop() { stop(); }

Result<void> MasterLoop::start() {
  RIDE_ASSIGN(auto reader, ports_.open_reader());
  RIDE_ASSIGN(auto writer, ports_.open_writer());
  decisions_ = std::move(reader);
  writer_ = std::move(writer);
  thread_ = guarded_thread("the owner of the decisions", [this] { run(); });
  return {};
}

// ---- from other threads ---------------------------------------------------------------------------------------------

void MasterLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  space_.notify_all();
  if (thread_.joinable()) thread_.join();
  drop_everything();
}

bool MasterLoop::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void MasterLoop::drop_everything() {
  const std::lock_guard lock(mutex_);
  questions_.clear();
  tickets_.clear();
}

void MasterLoop::post(std::vector<Event> events, std::size_t bytes) {
  {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [this] {
      return stopping_ || failure_ || (queue_.size() < kQueueLimit && queued_bytes_ < kQueuedBytes);
    });
    if (stopping_ || failure_ || events.empty()) return;
    for (auto& event : events) queue_.push_back({std::move(event), bytes / events.size()});
    queued_bytes_ += bytes / events.size() * events.size();
  }
  wake_.notify_all();
}

void MasterLoop::put_question(Question question) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && !failure_) questions_.push_back(std::move(question));
  }
  wake_.notify_all();
}

Error MasterLoop::too_late() {
  return Error{ErrorCode::unavailable, "the master is waiting for Kafka and cannot answer now: try again", true};
}

Error MasterLoop::undecided() {
  return Error{
      ErrorCode::timeout,
      "the master has taken the request, but Kafka did not acknowledge the decision in time: whether it counts "
      "shows when Kafka answers again. Look with `ride status` before you ask for it once more",
      false};
}

Result<RunNumber> MasterLoop::request(const std::function<Event(std::int64_t)>& make) {
  std::future<Result<RunNumber>> answer;
  std::int64_t ticket = 0;
  const auto taken = std::make_shared<std::atomic<bool>>(false);
  {
    const std::lock_guard lock(mutex_);
    ticket = next_ticket_++;
    auto& entry = tickets_[ticket];
    entry.taken = taken;
    answer = entry.answer.get_future();
  }
  post({make(ticket)});
  if (answer.wait_for(kPatience) == std::future_status::ready) {
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return *taken ? undecided() : too_late();
    }
  }
  const std::lock_guard lock(mutex_);
  tickets_.erase(ticket);  // not taken yet: it never will be
  return *taken ? undecided() : too_late();
}

Result<RunNumber> MasterLoop::submit(stream::JobSpec spec, std::string topology, bool replace, stream::LogEnds ends) {
  return request([&](std::int64_t ticket) {
    return SubmitRequest{ticket, std::move(spec), std::move(topology), replace, std::move(ends)};
  });
}

Result<RunNumber> MasterLoop::change_phase(const PhaseRequest& requested) {
  return request([&](std::int64_t ticket) {
    auto request = requested;
    request.ticket = ticket;
    return request;
  });
}

Result<RunNumber> MasterLoop::scale(const ScaleRequest& requested) {
  return request([&](std::int64_t ticket) {
    auto request = requested;
    request.ticket = ticket;
    return request;
  });
}

MasterLoop::View MasterLoop::view() const {
  const auto now = now_point();
  const std::lock_guard lock(mutex_);
  const auto& leadership = published_.leadership;
  return {.role = leadership.role(),
          .is_led = leadership.is_led(now),
          .leader = leadership.standing(),
          .log = published_.log,
          .since_tick = leadership.since_tick(now),
          .waits_for_kafka = leadership.leads() && published_.stalled};
}

bool MasterLoop::ready() const {
  const auto seen = view();
  if (failed()) return false;
  return seen.role == Leadership::Role::leading ? !seen.waits_for_kafka : seen.is_led;
}

std::optional<stream::Report> MasterLoop::tick(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  return stopping_ ? std::nullopt : published_.tick(number, now_point());
}

milliseconds MasterLoop::tick_interval() const {
  const std::lock_guard lock(mutex_);
  return published_.tick_interval;
}

std::optional<Error> MasterLoop::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void MasterLoop::fail(Error error) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  drop_everything();
  space_.notify_all();
}

// ---- the owner's thread ---------------------------------------------------------------------------------------------

void MasterLoop::run() {
  for (;;) {
    auto events = wait_for_events();
    if (is_stopping()) return say_farewell();
    space_.notify_all();
    answer_questions();
    if (auto served = serve_log(); !served.ok()) return fail(served.error());
    decider_.turn(std::move(events));
    publish();
  }
}

std::vector<Event> MasterLoop::wait_for_events() {
  std::vector<Event> events;
  if (!decider_.takes_events()) return events;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(50), [this] { return stopping_ || !queue_.empty() || !questions_.empty(); });
  while (!queue_.empty() && events.size() < kBatch) {
    events.push_back(std::move(queue_.front().event));
    queued_bytes_ -= queue_.front().bytes;
    queue_.pop_front();
  }
  return events;
}

// Not between a decision and its reading back, which takes milliseconds, unless that does not come.
void MasterLoop::answer_questions() {
  const auto step = decider_.step();
  if (step != Decider::Step::at_rest && step != Decider::Step::broken && !decider_.stalled()) return;
  std::deque<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (const auto& question : questions) question(decider_.state());
}

void MasterLoop::publish() {
  auto status = decider_.status();
  const std::lock_guard lock(mutex_);
  published_ = std::move(status);
}

// Waits for what the decider waits for: a tenth of a second, a second for an acknowledgement; for new clients, as long
// as the ports let it.
Result<void> MasterLoop::serve_log() {
  switch (decider_.step()) {
    case Decider::Step::at_rest:
      return read(milliseconds(decider_.reads_first() ? 100 : 0));
    case Decider::Step::write: {
      std::vector<std::string> records;
      for (const auto& decision : decider_.take_records()) records.push_back(stream::encode(decision));
      return decider_.wrote(writer_->append_all(records, kAppendTimeout));
    }
    case Decider::Step::settle:
      RIDE_TRY(read(milliseconds(0)));
      return decider_.settled(writer_->settle(milliseconds(100)));
    case Decider::Step::sent:
    case Decider::Step::read_back:
      return read(milliseconds(100));
    case Decider::Step::broken:
      return replace_writer();
  }
  return {};
}

Result<void> MasterLoop::read(milliseconds timeout) {
  auto entries = decisions_->poll(timeout);
  if (!entries.ok()) return entries.error().code == ErrorCode::corrupt ? reopen_reader() : entries.error();
  for (const auto& entry : *entries) {
    const auto decision = stream::decode_decision(entry.json);
    if (decision.ok()) {
      RIDE_TRY(decider_.take(entry.offset, entry.timestamp, *decision));
    } else {
      decider_.take_unreadable(entry.offset, decision.error());
    }
  }
  if (decider_.reads_first() && decisions_->caught_up()) decider_.caught_up();
  return {};
}

Result<void> MasterLoop::reopen_reader() {
  decider_.overtaken();
  publish();
  while (!is_stopping()) {
    auto reader = ports_.open_reader();
    if (reader.ok()) {
      decisions_ = std::move(reader).value();
      return {};
    }
    if (!reader.error().retriable) return reader.error();
    nap();
  }
  return {};
}

Result<void> MasterLoop::replace_writer() {
  auto writer = ports_.open_writer();
  if (writer.ok()) {
    writer_ = std::move(writer).value();
    decider_.writer_made();
    return {};
  }
  if (!writer.error().retriable && writer.error().code != ErrorCode::not_found) return writer.error();
  nap();
  return {};
}

void MasterLoop::say_farewell() {
  const auto last = decider_.farewell();
  if (!last) return;
  if (auto said = writer_->append(stream::encode(*last), kAppendTimeout); !said.ok())
    log_warning("could not announce that this master leaves: {}; the next one waits a second", said.error().message);
}

// Before something that was refused is tried again.
void MasterLoop::nap() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(200), [this] { return stopping_; });
}

// ---- what the decider asks for and tells ----------------------------------------------------------------------------

bool MasterLoop::take_request(std::int64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return false;
  *found->second.taken = true;
  return true;
}

void MasterLoop::answer(const Answer& answer) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(answer.ticket);
  if (found == tickets_.end()) return;
  found->second.answer.set_value(answer.result);
  tickets_.erase(found);
}

// Who waits for an answer learns at once that there is none.
void MasterLoop::drop_requests() {
  const std::lock_guard lock(mutex_);
  tickets_.clear();
}

void MasterLoop::counted(const stream::Decision& decision, SystemTime at, bool mine,
                         const std::vector<Concern>& concerns) {
  auto words = describe(decision.body);
  if (mine) {
    ports_.metrics.add("ride_written_decisions_total", {stream::type_of(decision.body)});
    log_line(level_of(words.severity), words.text);
  }
  for (const auto& concern : concerns) {
    words.job = concern.job;
    words.stage = concern.stage;
    ports_.events.add(at, words);
  }
  if (concerns.empty()) ports_.events.add(at, std::move(words));
}

// People learn of it, but not by each of many.
void MasterLoop::refused(stream::Refused kind, const std::string& why) {
  ports_.metrics.add("ride_refused_decisions_total", {stream::to_string(kind)});
  const auto now = system_now();
  const auto words = refusals_.add(kind, why, now);
  if (!words) return;
  log_error("{}", *words);
  ports_.events.add(now, {stream::Severity::error, "record_refused", "", "", *words});
}

void MasterLoop::heard(const ReportRead& report) {
  ports_.metrics.add("ride_read_reports_total", {type_of(report.body)});
  if (const auto* notice = std::get_if<stream::Notice>(&report.body))
    ports_.events.add(report.at,
                      {notice->severity, notice->code, notice->job, notice->stage, notice->text, notice->from.value});
}

void MasterLoop::told(const Notify& notify) {
  log_line(level_of(notify.severity), notify.text);
  ports_.events.add(system_now(), {notify.severity, notify.code, notify.job, notify.stage, notify.text});
}

void MasterLoop::log(LogLevel level, const std::string& text) { log_line(level, text); }
void MasterLoop::count(const char* metric) { ports_.metrics.add(metric, {}); }
void MasterLoop::observe(const char* metric, double seconds) { ports_.metrics.observe(metric, {}, seconds); }

}  // namespace ride::master
