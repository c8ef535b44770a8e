#include "master/core/decider.h"

#include <algorithm>

#include "common/wording.h"
#include "master/core/apply.h"
#include "master/core/describe.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using Role = Leadership::Role;

constexpr milliseconds kClaimPatience{1'000};  // to be read back
constexpr milliseconds kStallAfter{2'000};

bool is_claim(const stream::DecisionBody& decision) { return std::holds_alternative<stream::Claim>(decision); }

}  // namespace

Decider::Decider(Config config, DeciderPorts& ports, Clock clock, std::function<double()> random)
    : config_(std::move(config)),
      ports_(ports),
      clock_(std::move(clock)),
      random_(std::move(random)),
      leadership_(config_.id, config_.http, config_.leadership) {
  state_.rules = config_.rules;
}

Leadership::Moment Decider::now() const {
  return std::chrono::duration_cast<Leadership::Moment>(clock_.now().time_since_epoch());
}

double Decider::seconds_since(SteadyWall::Moment begin) const {
  return std::chrono::duration<double>(clock_.now() - begin).count();
}

Decider::Status Decider::status() const { return {leadership_, log_id_, stalled_, master::tick_interval(state_)}; }

std::optional<stream::Report> Decider::Status::tick(std::int64_t number, Leadership::Moment now) const {
  if (stalled || !leadership.may_tick(now)) return std::nullopt;
  const auto& claim = leadership.standing();
  return stream::Report{log, stream::Tick{.epoch = claim.epoch, .leader = claim.id, .number = number}};
}

// ---- what was read --------------------------------------------------------------------------------------------------

Result<void> Decider::take(Offset at, SystemTime timestamp, const stream::Decision& decision) {
  next_ = Offset{at.value + 1};
  before_.read(at);
  const bool mine = decision.epoch == term_ && decision.leader == leadership_.id() && decision.log == log_id_;
  if (mine && !is_claim(decision.body)) ++read_;
  const auto concerns = concerns_of(state_.hard, decision.body);
  switch (apply(state_, decision)) {
    case Applied::foreign_log:
      refuse(stream::Refused::foreign_log, at,
             fmt::format("it belongs to log '{}', not to '{}': does another cluster use this --prefix?", decision.log,
                         state_.hard.standing.log()));
      return {};
    case Applied::unreadable_snapshot:
      return unreadable_snapshot(at);
    case Applied::contradiction:
      refuse(stream::Refused::contradiction, at,
             "it contradicts what stands before it: " + describe(decision.body).text);
      return {};
    case Applied::void_claim:
      return {};
    case Applied::counted:
      counted(decision, at, timestamp, mine, concerns);
      return {};
  }
  return {};
}

// A record that nobody understands cannot be skipped by some and obeyed by others: all readers skip it, and say so.
void Decider::take_unreadable(Offset at, const Error& why) {
  next_ = Offset{at.value + 1};
  before_.read(at);
  refuse(stream::Refused::unreadable, at, why.message);
}

void Decider::caught_up() { leadership_.caught_up(now()); }

void Decider::overtaken() {
  ports_.log(LogLevel::warning,
             "the decisions log was truncated beyond what this master had read: continuing from its snapshot");
  leadership_.overtaken();
  change_role();
  auto standing = state_.hard.standing;
  standing.restart();
  state_.hard = {};
  state_.hard.standing = standing;
  state_.soft.snapshot.clear();
  before_ = {};
}

// It contains only what stands before it, so whoever has read that has lost nothing.
Result<void> Decider::unreadable_snapshot(Offset at) {
  constexpr const char* kWhy = "a snapshot of another version, or one that does not hold together";
  if (!before_.all())
    return stream::nothing_is_known(at, std::string(kWhy) + ": run the same version of RIDE everywhere");
  refuse(stream::Refused::snapshot, at, kWhy);
  return {};
}

void Decider::counted(const stream::Decision& decision, Offset at, SystemTime timestamp, bool mine,
                      const std::vector<Concern>& concerns) {
  log_id_ = state_.hard.standing.log();
  before_.counted(decision.body);
  if (leadership_.standing() != state_.hard.claim) {
    leadership_.stands(state_.hard.claim, now());
    ports_.count("ride_read_claims_total");
  }
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) {
    snapshot_.read(*part, at);
    if (state_.soft.snapshot == part->id && part->part == part->parts) before_.restored();
  }
  ports_.counted(decision, timestamp, mine, concerns);
}

void Decider::refuse(stream::Refused kind, Offset at, const std::string& why) {
  ports_.refused(kind, fmt::format("decisions log, the record at offset {} is refused: {}", at.value, why));
}

// ---- one turn -------------------------------------------------------------------------------------------------------

void Decider::turn(std::vector<Event> events) {
  const bool rested = step_ == Step::at_rest;
  note(events);
  events_.insert(events_.end(), std::move_iterator(events.begin()), std::move_iterator(events.end()));
  look_at_writing();
  if (step_ != Step::at_rest || reads_first()) return;
  change_role();
  while (step_ == Step::at_rest && go_on()) continue;
  // Who has just been busy looks at what has come meanwhile first: where writing takes as long as a lease, there would
  // be nothing but leases.
  if (rested && step_ == Step::at_rest) seek_leadership();
}

void Decider::note(const std::vector<Event>& events) {
  const auto& standing = leadership_.standing();
  for (const auto& event : events) {
    const auto* report = std::get_if<ReportRead>(&event);
    if (report == nullptr) continue;
    ports_.heard(*report);
    if (const auto* tick = std::get_if<stream::Tick>(&report->body))
      if (tick->epoch == standing.epoch && tick->leader == standing.id) leadership_.ticked(now());
  }
}

// The next thing, in this order: what is decided already, then what happened, in batches. False: there is none.
bool Decider::go_on() {
  if (!actions_.empty()) {
    const auto action = std::move(actions_.front());
    actions_.pop_front();
    perform(action);
    return true;
  }
  auto events = std::exchange(events_, {});
  if (!leading_) {
    refuse_requests(events);
    stand_by(state_, events);
    return false;
  }
  if (std::exchange(takes_over_, false)) {
    events_ = std::move(events);
    decide_about({LeadershipTaken{}});
    return true;
  }
  take_requests(events);
  // What one step leaves to be looked at again, the next one takes.
  if (events.empty() && !state_.soft.due.any()) return false;
  decide_about(events);
  return true;
}

void Decider::decide_about(const std::vector<Event>& events) {
  const auto begin = clock_.now();
  auto actions = decide(state_, events, wall_.at(clock_.wall(), begin));
  if (!events.empty()) ports_.observe("ride_decide_step_seconds", seconds_since(begin));
  for (auto& action : actions) actions_.push_back(std::move(action));
}

void Decider::perform(const Action& action) {
  if (const auto* append = std::get_if<Append>(&action)) {
    write(append->decisions, leadership_.standing());
  } else if (const auto* topics = std::get_if<EnsureTopics>(&action)) {
    ports_.ensure(*topics);
  } else if (const auto* topics = std::get_if<DeleteTopics>(&action)) {
    ports_.remove(*topics);
  } else if (const auto* answer = std::get_if<Answer>(&action)) {
    ports_.answer(*answer);
  } else if (const auto* notify = std::get_if<Notify>(&action)) {
    ports_.told(*notify);
  } else if (const auto* order = std::get_if<TruncateBehind>(&action)) {
    if (const auto before = snapshot_.behind(*order, state_)) ports_.truncate(*before);
  }
}

// A caller that got "too late" as its answer must not find later that it was done.
void Decider::take_requests(std::vector<Event>& events) {
  std::erase_if(events, [this](const Event& event) {
    const auto ticket = ticket_of(event);
    return ticket && !ports_.take_request(*ticket);
  });
}

void Decider::refuse_requests(const std::vector<Event>& events) {
  for (const auto& event : events)
    if (const auto ticket = ticket_of(event))
      ports_.answer(
          {*ticket, Error{ErrorCode::unavailable, "this master is a standby and does not lead: try again", true}});
}

// ---- leadership -----------------------------------------------------------------------------------------------------

void Decider::seek_leadership() {
  const bool led = leadership_.leads();
  const auto due = leadership_.due(now(), random_(), master::tick_interval(state_));
  if (!due) return;
  if (led) return write({*due}, *due);  // the lease
  if (log_id_.empty()) log_id_ = config_.new_log;
  if (term_ != due->epoch) written_ = read_ = 0;
  term_ = due->epoch;
  ports_.count("ride_written_claims_total");
  write({*due}, *due);
  claims_ = true;
}

// What the core learns when the log says that we lead, or no longer do.
void Decider::change_role() {
  if (leadership_.leads() == leading_) return;
  leading_ = takes_over_ = leadership_.leads();
  stall_is_over();
  if (leading_) return;
  const auto& standing = leadership_.standing();
  ports_.log(LogLevel::warning, fmt::format("deposed: {} leads with epoch {}; standing by",
                                            standing.id.empty() ? "nobody" : standing.id, standing.epoch));
  actions_.clear();
  master::step_down(state_);
  ports_.drop_requests();
}

std::optional<stream::Decision> Decider::farewell() const {
  const auto claim = leadership_.farewell();
  if (!claim || stalled_) return std::nullopt;
  return stream::Decision{log_id_, claim->epoch, claim->id, *claim};
}

// ---- writing --------------------------------------------------------------------------------------------------------

void Decider::write(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim) {
  records_.clear();
  for (const auto& body : decisions) records_.push_back({log_id_, claim.epoch, claim.id, body});
  written_ += std::count_if(decisions.begin(), decisions.end(), [](const auto& one) { return !is_claim(one); });
  claims_ = false;
  began_ = clock_.now();
  sent_ = now();
  step_ = Step::write;
}

std::vector<stream::Decision> Decider::take_records() {
  step_ = Step::sent;
  return std::exchange(records_, {});
}

Result<void> Decider::wrote(const Result<Offset>& last) {
  if (last.ok()) {
    last_ = *last;
    acknowledged_ = clock_.now();
    step_ = Step::read_back;
    return {};
  }
  if (!last.error().retriable) return replace_writer(last.error());
  if (claims_) {  // given up or won, as the log will show
    ports_.log(LogLevel::warning, "a claim of leadership waits for Kafka: " + last.error().message);
    step_ = Step::at_rest;
    return {};
  }
  // What was sent arrives once, in order, when Kafka is back. Until then nothing is decided and no tick sent, so
  // another master may take over.
  if (leadership_.leads()) stall(last.error().message);
  step_ = Step::settle;
  return {};
}

// What was sent has arrived; where is not known. The claim, which means nothing when written again, comes behind it,
// and shows by what stands before it whether all of it was sent.
Result<void> Decider::settled(const Result<void>& outcome) {
  if (outcome.ok() && !leadership_.leads()) {
    step_ = Step::at_rest;
    return {};
  }
  if (outcome.ok()) {
    const auto begin = began_;
    const auto sent = sent_;
    write({leadership_.standing()}, leadership_.standing());
    began_ = begin;
    sent_ = sent;
    return {};
  }
  return outcome.error().retriable ? Result<void>() : replace_writer(outcome.error());
}

// Whether what was being written stands, or no longer matters.
void Decider::look_at_writing() {
  if (step_ == Step::at_rest || step_ == Step::sent || step_ == Step::broken) return;
  if (claims_) {
    if (step_ != Step::read_back) return;
    const bool waits =
        leadership_.role() == Role::claiming && next_ <= last_ && clock_.now() - began_ <= kClaimPatience;
    if (waits) return;
    if (leadership_.leads())
      ports_.log(LogLevel::info,
                 fmt::format("leads with epoch {} after {:.0f} ms (log {}, {} known)", term_,
                             seconds_since(began_) * 1000, log_id_, ride::counted(state_.hard.jobs.size(), "job")));
    step_ = Step::at_rest;
    return;
  }
  if (!leadership_.leads()) {
    step_ = Step::at_rest;
    return;
  }
  if (step_ != Step::read_back) return;
  if (next_ > last_) return read_back_is_done();
  if (clock_.now() - acknowledged_ >= kStallAfter) stall("they are not read back");
}

// Up to the place of our last record: only the broker gives places, so nobody can make us believe that we have read it.
void Decider::read_back_is_done() {
  if (read_ < written_)
    return step_down(fmt::format("{} of its records were never sent, or are lost", written_ - read_));
  if (read_ > written_)
    refuse(stream::Refused::forged, last_,
           fmt::format(
               "{} more records stand under this master's claim than it wrote: somebody else writes decisions in its "
               "name. They counted; who may write to the topic is for its access rules to say",
               read_ - written_));
  written_ = read_;
  leadership_.wrote(sent_);
  stall_is_over();
  ports_.observe("ride_append_decision_seconds", seconds_since(began_));
  step_ = Step::at_rest;
}

// librdkafka's producer can fail for good, for example after a broker's return. What it had on its way may never land,
// so this master is another candidate from here on, with a new name.
Result<void> Decider::replace_writer(const Error& why) {
  if (why.code == ErrorCode::permission || why.code == ErrorCode::not_found)
    return Error{why.code, "cannot write decisions: " + why.message};
  step_down(why.message);
  return {};
}

void Decider::step_down(const std::string& why) {
  ports_.log(LogLevel::warning, fmt::format("the writer of decisions broke ({}); stepping down for a new one", why));
  leadership_.step_down(fmt::format("{}-{}", config_.id, ++writers_), now());
  change_role();
  step_ = Step::broken;
}

// Said where people look, once: all that they are shown from here on is old.
void Decider::stall(const std::string& why) {
  if (std::exchange(stalled_, true)) return;
  stalled_since_ = clock_.now();
  ports_.told({.severity = stream::Severity::error,
               .code = "kafka_away",
               .text = fmt::format(
                   "decisions wait for Kafka ({}): until it answers nothing is decided and no figure is new. Are the "
                   "brokers running, and is there space on their disks? `ride broker` and its broker.log say why one "
                   "ended",
                   why)});
}

void Decider::stall_is_over() {
  if (!std::exchange(stalled_, false)) return;
  ports_.told({.severity = stream::Severity::info,
               .code = "kafka_back",
               .text = fmt::format("Kafka takes decisions again after {:.1f} s", seconds_since(stalled_since_))});
}

}  // namespace ride::master
