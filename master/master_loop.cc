#include "master/master_loop.h"

#include <array>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "master/core/apply.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kQueueLimit = 20'000;
constexpr std::size_t kQueuedBytes = 64 << 20;
constexpr std::size_t kBatch = 500;  // reports taken before the owner looks at leadership, and at who asks, again

}  // namespace

Leadership::Moment MasterLoop::now_point() {
  return std::chrono::duration_cast<Leadership::Moment>(steady_clock::now().time_since_epoch());
}

MasterLoop::MasterLoop(Config config, Ports ports)
    : config_(std::move(config)),
      ports_(std::move(ports)),
      leadership_(config_.id, config_.http, config_.leadership),
      published_(leadership_) {
  state_.rules = config_.rules;
}

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
  drop_requests();
}

bool MasterLoop::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// Who waits for an answer learns at once that there is none.
void MasterLoop::drop_requests() {
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
  return {.role = published_.role(),
          .is_led = published_.is_led(now),
          .leader = published_.standing(),
          .log = published_log_,
          .since_tick = published_.since_tick(now),
          .waits_for_kafka = published_.leads() && stalled_};
}

bool MasterLoop::ready() const {
  const auto seen = view();
  if (failed()) return false;
  return seen.role == Leadership::Role::leading ? !stalled_ : seen.is_led;
}

std::optional<stream::Report> MasterLoop::tick(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  if (stopping_ || stalled_ || !published_.may_tick(now_point())) return std::nullopt;
  const auto& claim = published_.standing();
  return stream::Report{published_log_, stream::Tick{.epoch = claim.epoch, .leader = claim.id, .number = number}};
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
  drop_requests();
  space_.notify_all();
}

// ---- the owner's thread ---------------------------------------------------------------------------------------------

void MasterLoop::run() {
  for (;;) {
    auto events = wait_for_events();
    if (is_stopping()) return say_farewell();
    space_.notify_all();
    answer_questions();
    auto done = round(std::move(events));
    if (done.ok()) done = seek_leadership();
    publish();
    if (done.ok() || done.error().code == ErrorCode::cancelled) continue;  // asked to stop, or deposed meanwhile
    fail(done.error());
    return;
  }
}

std::vector<Event> MasterLoop::wait_for_events() {
  // What is read before all decisions are known would be misunderstood: it waits.
  const bool reading = leadership_.role() == Leadership::Role::reading;
  std::vector<Event> events;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(reading ? 0 : 50),
                 [this] { return stopping_ || !queue_.empty() || !questions_.empty(); });
  while (!reading && !queue_.empty() && events.size() < kBatch) {
    events.push_back(std::move(queue_.front().event));
    queued_bytes_ -= queue_.front().bytes;
    queue_.pop_front();
  }
  return events;
}

Result<void> MasterLoop::round(std::vector<Event> events) {
  const bool reading = leadership_.role() == Leadership::Role::reading;
  RIDE_TRY(read(milliseconds(reading ? 100 : 0)));
  if (reading && decisions_->caught_up()) leadership_.caught_up(now_point());
  note_reports(events);
  if (change_role()) RIDE_TRY(take_over());
  if (leading_) {
    accept_requests(events);
    return step(events);
  }
  refuse_requests(events);
  stand_by(state_, events);
  return {};
}

void MasterLoop::answer_questions() {
  std::deque<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (const auto& question : questions) question(state_);
}

void MasterLoop::refuse_requests(const std::vector<Event>& events) {
  const std::lock_guard lock(mutex_);
  for (const auto& event : events) {
    const auto ticket = ticket_of(event);
    if (!ticket) continue;
    const auto found = tickets_.find(*ticket);
    if (found == tickets_.end()) continue;
    found->second.answer.set_value(
        Error{ErrorCode::unavailable, "this master is a standby and does not lead: try again", true});
    tickets_.erase(found);
  }
}

// A caller that got "too late" as its answer must not find later that it was done.
void MasterLoop::accept_requests(std::vector<Event>& events) {
  const std::lock_guard lock(mutex_);
  std::erase_if(events, [&](const Event& event) {
    const auto ticket = ticket_of(event);
    if (!ticket) return false;
    const auto found = tickets_.find(*ticket);
    if (found == tickets_.end()) return true;
    *found->second.taken = true;
    return false;
  });
}

void MasterLoop::note_reports(const std::vector<Event>& events) {
  const auto& standing = leadership_.standing();
  for (const auto& event : events) {
    const auto* report = std::get_if<ReportRead>(&event);
    if (report == nullptr) continue;
    ports_.metrics.add("ride_read_reports_total", {type_of(report->body)});
    if (const auto* tick = std::get_if<stream::Tick>(&report->body))
      if (tick->epoch == standing.epoch && tick->leader == standing.id) leadership_.ticked(now_point());
    const auto* notice = std::get_if<stream::Notice>(&report->body);
    if (notice == nullptr) continue;
    ports_.events.add(report->at,
                      {notice->severity, notice->code, notice->job, notice->stage, notice->text, notice->from.value});
  }
}

void MasterLoop::publish() {
  tick_interval_ms_ = master::tick_interval(state_).count();
  const std::lock_guard lock(mutex_);
  published_ = leadership_;
  published_log_ = log_id_;
}

}  // namespace ride::master
