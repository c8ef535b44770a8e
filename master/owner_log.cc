// The owner's dealings with the decisions log: reading it, claiming leadership, appending and reading back.
#include <array>

#include "common/log.h"
#include "master/core/apply.h"
#include "master/owner.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAppendTimeout{1'000};
constexpr milliseconds kStallAfter{2'000};

Leadership::Moment now_point() {
  return std::chrono::duration_cast<Leadership::Moment>(steady_clock::now().time_since_epoch());
}

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::string random_id(std::mt19937_64& random) { return fmt::format("{:016x}", random()); }

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

Error deposed() { return {ErrorCode::cancelled, "another master leads now"}; }
Error stopped() { return {ErrorCode::cancelled, "stopped"}; }

}  // namespace

// ---- reading
// ---------------------------------------------------------------------------------------------------------

Result<void> Owner::read(milliseconds timeout) {
  auto entries = decisions_->poll(timeout);
  if (!entries.ok()) {
    if (entries.error().code != ErrorCode::corrupt) return entries.error();
    return reopen_reader();
  }
  for (const auto& entry : *entries)
    if (auto taken = take(entry); !taken.ok()) return taken;
  return {};
}

// Truncation overtook us: we slept, and another master leads. What we knew is dropped; the log begins with a snapshot.
Result<void> Owner::reopen_reader() {
  log_warning("the decisions log was truncated past this master: going on from its snapshot");
  leadership_.overtaken();
  change_role();
  for (;;) {
    auto reader = ports_.open_reader();
    if (reader.ok()) {
      decisions_ = std::move(reader).value();
      break;
    }
    if (!reader.error().retriable) return reader.error();
    if (is_stopping()) return stopped();
    std::this_thread::sleep_for(milliseconds(200));
  }
  auto standing = state_.hard.standing;
  standing.restart();
  state_.hard = {};
  state_.hard.standing = standing;
  return {};
}

Result<void> Owner::take(const stream::ControlReader::Entry& entry) {
  auto decision = stream::decode_decision(entry.json);
  if (!decision.ok()) {
    // A record that nobody understands cannot be skipped by some and obeyed by others: all readers skip it, and say so.
    log_error("decisions log, offset {}: {}; it is skipped", entry.offset.value, decision.error().message);
    return {};
  }
  const bool mine = decision->epoch == term_ && decision->leader == leadership_.id();
  if (mine) ++read_;
  switch (apply(state_, *decision)) {
    case Applied::foreign_log:
      return Error{ErrorCode::internal,
                   fmt::format("offset {} of the decisions log belongs to log {}, not to {}: somebody mixed two "
                               "clusters or wiped one topic only; delete both control topics, or use another --prefix",
                               entry.offset.value, decision->log, state_.hard.standing.log())};
    case Applied::unreadable_snapshot:
      return Error{ErrorCode::unsupported,
                   fmt::format("offset {} of the decisions log holds a snapshot that this version of ride-master cannot "
                               "read: run the same version everywhere",
                               entry.offset.value)};
    case Applied::contradiction:
      log_error("decisions log, offset {}: contradicts what stands before it: {}", entry.offset.value,
                describe(decision->body).text);
      return {};
    case Applied::void_claim:
      log_id_ = state_.hard.standing.log();
      return {};
    case Applied::counted:
      break;
  }
  log_id_ = state_.hard.standing.log();
  if (leadership_.standing() != state_.hard.claim) {
    leadership_.stands(state_.hard.claim, now_point());
    ports_.metrics.add("ride_read_claims_total", {});
  }
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision->body)) snapshot_.read(*part, entry.offset);
  auto words = describe(decision->body);
  if (mine) {
    ports_.metrics.add("ride_written_decisions_total", {stream::type_of(decision->body)});
    write_log(words.severity, words.text);
  }
  ports_.events.add(entry.timestamp, std::move(words));
  return {};
}

// ---- leadership
// ------------------------------------------------------------------------------------------------------

Result<void> Owner::seek_leadership() {
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  const bool led = leadership_.leads();
  const auto due = leadership_.due(now_point(), random, master::tick_interval(state_));
  if (!due) return {};
  if (led) return append({*due});  // the lease
  if (auto done = claim(*due); !done.ok()) return done;
  return change_role() ? take_over() : Result<void>();
}

Result<void> Owner::take_over() {
  const std::vector<Event> taken{LeadershipTaken{}};
  return step(taken);
}

Result<void> Owner::claim(const stream::Claim& claim) {
  const auto begin = steady_clock::now();
  if (log_id_.empty()) log_id_ = random_id(random_);
  if (term_ != claim.epoch) written_ = read_ = 0;
  term_ = claim.epoch;
  ports_.metrics.add("ride_written_claims_total", {});
  auto appended = writer_->append_all(encode({claim}, claim), kAppendTimeout);
  if (!appended.ok()) {
    if (!appended.error().retriable) return replace_writer(appended.error());
    log_warning("a claim of leadership waits for Kafka: {}", appended.error().message);
    return {};  // given up or won, as the log will tell
  }
  while (leadership_.role() == Leadership::Role::claiming && read_ < written_) {
    if (seconds_since(begin) > std::chrono::duration<double>(kAppendTimeout).count()) return {};
    if (auto seen = read(milliseconds(50)); !seen.ok()) return seen;
    if (is_stopping()) return stopped();
  }
  if (leadership_.leads())
    log_info("leads with epoch {} after {:.0f} ms (log {}, {} jobs known)", claim.epoch, seconds_since(begin) * 1000,
             log_id_, state_.hard.jobs.size());
  return {};
}

// What the core is told when the log says that we lead, or no longer do.
bool Owner::change_role() {
  if (leadership_.leads() == leading_) return false;
  leading_ = leadership_.leads();
  go_on();
  if (leading_) return true;
  const auto& standing = leadership_.standing();
  log_warning("deposed: {} leads with epoch {}; standing by", standing.id.empty() ? "nobody" : standing.id,
              standing.epoch);
  master::step_down(state_);
  const std::lock_guard lock(mutex_);
  tickets_.clear();  // who asked is told
  return false;
}

void Owner::say_farewell() {
  const auto claim = leadership_.farewell();
  if (!claim || stalled_) return;
  const stream::Decision last{log_id_, claim->epoch, claim->id, *claim};
  if (auto said = writer_->append(stream::encode(last), kAppendTimeout); !said.ok())
    log_warning("could not say farewell: {}; the next master waits a second", said.error().message);
}

// ---- writing
// ---------------------------------------------------------------------------------------------------------

Result<void> Owner::step(std::span<const Event> events) {
  auto batch = events;
  do {  // what one step leaves to be looked at again, the next one takes
    const auto begin = steady_clock::now();
    const auto actions = decide(state_, batch, clock_.now());
    if (!batch.empty()) ports_.metrics.observe("ride_decide_step_seconds", {}, seconds_since(begin));
    for (const auto& action : actions)
      if (auto done = perform(action); !done.ok()) return done;
    batch = {};
  } while (state_.soft.due.any());
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
      found->second.answer.set_value(answer->result);
      tickets_.erase(found);
    }
  } else if (const auto* tell = std::get_if<Tell>(&action)) {
    write_log(tell->severity, tell->text);
    ports_.events.add(system_now(), {tell->severity, tell->code, tell->job, tell->stage, tell->text});
  } else if (const auto* order = std::get_if<TruncateBehind>(&action)) {
    if (const auto before = snapshot_.behind(*order, state_)) ports_.truncate(*before);
  }
  return {};
}

std::vector<std::string> Owner::encode(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim) {
  std::vector<std::string> records;
  for (const auto& body : decisions)
    records.push_back(stream::encode(stream::Decision{log_id_, claim.epoch, claim.id, body}));
  written_ += static_cast<std::int64_t>(records.size());
  return records;
}

Result<void> Owner::append(const std::vector<stream::DecisionBody>& decisions) {
  const auto begin = steady_clock::now();
  const auto sent = now_point();
  auto appended = writer_->append_all(encode(decisions, leadership_.standing()), kAppendTimeout);
  if (!appended.ok()) {
    if (!appended.error().retriable) return replace_writer(appended.error());
    if (auto done = wait_for_writer(appended.error()); !done.ok()) return done;
  }
  if (auto done = read_back(); !done.ok()) return done;
  leadership_.wrote(sent);
  go_on();
  publish();  // ticks may go on
  ports_.metrics.observe("ride_append_decision_seconds", {}, seconds_since(begin));
  return {};
}

// Said where people look, once: all that they are shown from here on is old.
void Owner::stall(const std::string& why) {
  if (stalled_.exchange(true)) return;
  stalled_since_ = steady_clock::now();
  const auto text = fmt::format(
      "decisions wait for Kafka ({}): until it answers nothing is decided and no figure is new. Do the brokers run, and have "
      "their disks space? `ride broker` and its broker.log say why one ended", why);
  log_warning("{}", text);
  ports_.events.add(system_now(), {stream::Severity::error, "kafka_away", "", "", text});
}

void Owner::go_on() {
  if (!stalled_.exchange(false)) return;
  const auto text = fmt::format("Kafka takes decisions again after {:.1f} s", seconds_since(stalled_since_));
  log_info("{}", text);
  ports_.events.add(system_now(), {stream::Severity::info, "kafka_back", "", "", text});
}

// What was sent is on its way and arrives once, in order, when Kafka is back. Until then nothing is decided and no tick
// sent, so another master may take over.
Result<void> Owner::wait_for_writer(Error why) {
  stall(why.message);
  for (;;) {
    if (is_stopping()) return stopped();
    answer_questions();
    if (auto seen = read(milliseconds(0)); !seen.ok()) return seen;
    if (!leadership_.leads()) return deposed();
    auto settled = writer_->settle(milliseconds(100));
    if (settled.ok()) return {};
    if (!settled.error().retriable) return replace_writer(settled.error());
  }
}

Result<void> Owner::read_back() {
  const auto begin = steady_clock::now();
  while (read_ < written_) {
    if (auto seen = read(milliseconds(100)); !seen.ok()) return seen;
    if (!leadership_.leads()) return deposed();
    if (is_stopping()) return stopped();
    if (steady_clock::now() - begin < kStallAfter) continue;
    stall("they are not read back");
    answer_questions();
  }
  return {};
}

// librdkafka's producer can fail for good, for example after a broker's return. What it had on its way may never land, so
// this master is another candidate from here on, with a new name.
Result<void> Owner::replace_writer(const Error& why) {
  if (why.code == ErrorCode::permission || why.code == ErrorCode::not_found)
    return Error{why.code, "cannot write decisions: " + why.message};
  log_warning("the writer of decisions broke ({}); stepping down for a new one", why.message);
  leadership_.step_down(fmt::format("{}-{}", config_.id, ++writers_), now_point());
  change_role();
  publish();
  while (!is_stopping()) {
    auto writer = ports_.open_writer();
    if (writer.ok()) {
      writer_ = std::move(writer).value();
      return deposed();
    }
    if (!writer.error().retriable && writer.error().code != ErrorCode::not_found) return writer.error();
    answer_questions();
    std::this_thread::sleep_for(milliseconds(200));
  }
  return stopped();
}

}  // namespace ride::master
