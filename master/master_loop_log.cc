// The owner's dealings with the decisions log: reading it, claiming leadership, appending and reading back.
#include <array>

#include "common/log.h"
#include "common/wording.h"
#include "master/core/apply.h"
#include "master/master_loop.h"

namespace ride::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAppendTimeout{1'000};
constexpr milliseconds kStallAfter{2'000};

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

// ---- reading --------------------------------------------------------------------------------------------------------

Result<void> MasterLoop::read(milliseconds timeout) {
  auto entries = decisions_->poll(timeout);
  if (!entries.ok()) {
    if (entries.error().code != ErrorCode::corrupt) return entries.error();
    return reopen_reader();
  }
  for (const auto& entry : *entries) RIDE_TRY(handle(entry));
  return {};
}

// Truncation overtook us: we slept, and another master leads. What we knew is dropped; the log begins with a snapshot.
Result<void> MasterLoop::reopen_reader() {
  log_warning("the decisions log was truncated beyond what this master had read: continuing from its snapshot");
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
  state_.soft.snapshot.clear();
  before_ = {};
  return {};
}

Result<void> MasterLoop::handle(const stream::ControlReader::Entry& entry) {
  next_ = Offset{entry.offset.value + 1};
  before_.read(entry.offset);
  auto decision = stream::decode_decision(entry.json);
  if (!decision.ok()) {
    // A record that nobody understands cannot be skipped by some and obeyed by others: all readers skip it, and say so.
    refuse(stream::Refused::unreadable, entry.offset, decision.error().message);
    return {};
  }
  const bool mine = decision->epoch == term_ && decision->leader == leadership_.id() && decision->log == log_id_;
  if (mine) ++read_;
  const auto concerns = concerns_of(state_.hard, decision->body);
  switch (apply(state_, *decision)) {
    case Applied::foreign_log:
      refuse(stream::Refused::foreign_log, entry.offset,
             fmt::format("it belongs to log '{}', not to '{}': does another cluster use this --prefix?", decision->log,
                         state_.hard.standing.log()));
      return {};
    case Applied::unreadable_snapshot:
      return handle_unreadable(entry);
    case Applied::contradiction:
      refuse(stream::Refused::contradiction, entry.offset,
             "it contradicts what stands before it: " + describe(decision->body).text);
      return {};
    case Applied::void_claim:
      return {};
    case Applied::counted:
      handle_counted(entry, *decision, mine, concerns);
      return {};
  }
  return {};
}

// It contains only what stands before it, so whoever has read that has lost nothing.
Result<void> MasterLoop::handle_unreadable(const stream::ControlReader::Entry& entry) {
  constexpr const char* kWhy = "a snapshot of another version, or one that does not hold together";
  if (!before_.all())
    return stream::nothing_is_known(entry.offset, std::string(kWhy) + ": run the same version of RIDE everywhere");
  refuse(stream::Refused::snapshot, entry.offset, kWhy);
  return {};
}

void MasterLoop::handle_counted(const stream::ControlReader::Entry& entry, const stream::Decision& decision, bool mine,
                                const std::vector<Concern>& concerns) {
  log_id_ = state_.hard.standing.log();
  before_.counted(decision.body);
  if (leadership_.standing() != state_.hard.claim) {
    leadership_.stands(state_.hard.claim, now_point());
    ports_.metrics.add("ride_read_claims_total", {});
  }
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) {
    snapshot_.read(*part, entry.offset);
    if (state_.soft.snapshot == part->id && part->part == part->parts) before_.restored();
  }
  auto words = describe(decision.body);
  if (mine) {
    ports_.metrics.add("ride_written_decisions_total", {stream::type_of(decision.body)});
    write_log(words.severity, words.text);
  }
  for (const auto& concern : concerns) {
    words.job = concern.job;
    words.stage = concern.stage;
    ports_.events.add(entry.timestamp, words);
  }
  if (concerns.empty()) ports_.events.add(entry.timestamp, std::move(words));
}

// It changes nothing, and ends nobody; people learn of it, but not by each of many.
void MasterLoop::refuse(stream::Refused kind, Offset at, const std::string& why) {
  ports_.metrics.add("ride_refused_decisions_total", {stream::to_string(kind)});
  const auto now = system_now();
  const auto words =
      refusals_.add(kind, fmt::format("decisions log, the record at offset {} is refused: {}", at.value, why), now);
  if (!words) return;
  log_error("{}", *words);
  ports_.events.add(now, {stream::Severity::error, "record_refused", "", "", *words});
}

// ---- leadership -----------------------------------------------------------------------------------------------------

Result<void> MasterLoop::seek_leadership() {
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  const bool led = leadership_.leads();
  const auto due = leadership_.due(now_point(), random, master::tick_interval(state_));
  if (!due) return {};
  if (led) return append({*due});  // the lease
  RIDE_TRY(claim(*due));
  return change_role() ? take_over() : Result<void>();
}

Result<void> MasterLoop::take_over() {
  const std::vector<Event> taken{LeadershipTaken{}};
  return step(taken);
}

Result<void> MasterLoop::claim(const stream::Claim& claim) {
  const auto begin = steady_clock::now();
  if (log_id_.empty()) log_id_ = random_id(random_);
  if (term_ != claim.epoch) written_ = read_ = 0;
  term_ = claim.epoch;
  ports_.metrics.add("ride_written_claims_total", {});
  auto appended = writer_->append_all(encode({claim}, claim), kAppendTimeout);
  if (!appended.ok()) {
    if (!appended.error().retriable) return replace_writer(appended.error());
    log_warning("a claim of leadership waits for Kafka: {}", appended.error().message);
    return {};  // given up or won, as the log will show
  }
  while (leadership_.role() == Leadership::Role::claiming && next_ <= *appended) {
    if (seconds_since(begin) > std::chrono::duration<double>(kAppendTimeout).count()) return {};
    RIDE_TRY(read(milliseconds(50)));
    if (is_stopping()) return stopped();
  }
  if (leadership_.leads())
    log_info("leads with epoch {} after {:.0f} ms (log {}, {} known)", claim.epoch, seconds_since(begin) * 1000,
             log_id_, counted(state_.hard.jobs.size(), "job"));
  return {};
}

// What the core learns when the log says that we lead, or no longer do.
bool MasterLoop::change_role() {
  if (leadership_.leads() == leading_) return false;
  leading_ = leadership_.leads();
  go_on();
  if (leading_) return true;
  const auto& standing = leadership_.standing();
  log_warning("deposed: {} leads with epoch {}; standing by", standing.id.empty() ? "nobody" : standing.id,
              standing.epoch);
  master::step_down(state_);
  const std::lock_guard lock(mutex_);
  tickets_.clear();  // who asked gets an error
  return false;
}

void MasterLoop::say_farewell() {
  const auto claim = leadership_.farewell();
  if (!claim || stalled_) return;
  const stream::Decision last{log_id_, claim->epoch, claim->id, *claim};
  if (auto said = writer_->append(stream::encode(last), kAppendTimeout); !said.ok())
    log_warning("could not announce that this master leaves: {}; the next one waits a second", said.error().message);
}

// ---- writing --------------------------------------------------------------------------------------------------------

Result<void> MasterLoop::step(std::span<const Event> events) {
  auto batch = events;
  do {  // what one step leaves to be looked at again, the next one takes
    const auto begin = steady_clock::now();
    const auto actions = decide(state_, batch, clock_.now());
    if (!batch.empty()) ports_.metrics.observe("ride_decide_step_seconds", {}, seconds_since(begin));
    for (const auto& action : actions) RIDE_TRY(perform(action));
    batch = {};
  } while (state_.soft.due.any());
  return {};
}

Result<void> MasterLoop::perform(const Action& action) {
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
  } else if (const auto* notify = std::get_if<Notify>(&action)) {
    write_log(notify->severity, notify->text);
    ports_.events.add(system_now(), {notify->severity, notify->code, notify->job, notify->stage, notify->text});
  } else if (const auto* order = std::get_if<TruncateBehind>(&action)) {
    if (const auto before = snapshot_.behind(*order, state_)) ports_.truncate(*before);
  }
  return {};
}

std::vector<std::string> MasterLoop::encode(const std::vector<stream::DecisionBody>& decisions,
                                            const stream::Claim& claim) {
  std::vector<std::string> records;
  records.reserve(decisions.size());
  for (const auto& body : decisions)
    records.push_back(stream::encode(stream::Decision{log_id_, claim.epoch, claim.id, body}));
  written_ += static_cast<std::int64_t>(records.size());
  return records;
}

Result<void> MasterLoop::append(const std::vector<stream::DecisionBody>& decisions) {
  const auto begin = steady_clock::now();
  const auto sent = now_point();
  auto appended = writer_->append_all(encode(decisions, leadership_.standing()), kAppendTimeout);
  while (!appended.ok()) {
    if (!appended.error().retriable) return replace_writer(appended.error());
    RIDE_TRY(wait_for_writer(appended.error()));
    // All has arrived; where is not known. The claim, which means nothing when written again, comes behind it.
    appended = writer_->append_all(encode({leadership_.standing()}, leadership_.standing()), kAppendTimeout);
  }
  RIDE_TRY(read_back(*appended));
  leadership_.wrote(sent);
  go_on();
  publish();  // ticks may go on
  ports_.metrics.observe("ride_append_decision_seconds", {}, seconds_since(begin));
  return {};
}

// Said where people look, once: all that they are shown from here on is old.
void MasterLoop::stall(const std::string& why) {
  if (stalled_.exchange(true)) return;
  stalled_since_ = steady_clock::now();
  const auto text = fmt::format(
      "decisions wait for Kafka ({}): until it answers nothing is decided and no figure is new. Are the brokers "
      "running, and is there space on their disks? `ride broker` and its broker.log say why one ended",
      why);
  log_warning("{}", text);
  ports_.events.add(system_now(), {stream::Severity::error, "kafka_away", "", "", text});
}

void MasterLoop::go_on() {
  if (!stalled_.exchange(false)) return;
  const auto text = fmt::format("Kafka takes decisions again after {:.1f} s", seconds_since(stalled_since_));
  log_info("{}", text);
  ports_.events.add(system_now(), {stream::Severity::info, "kafka_back", "", "", text});
}

// What was sent is on its way and arrives once, in order, when Kafka is back. Until then nothing is decided and no tick
// sent, so another master may take over.
Result<void> MasterLoop::wait_for_writer(const Error& why) {
  stall(why.message);
  for (;;) {
    if (is_stopping()) return stopped();
    answer_questions();
    RIDE_TRY(read(milliseconds(0)));
    if (!leadership_.leads()) return deposed();
    auto settled = writer_->settle(milliseconds(100));
    if (settled.ok()) return {};
    if (!settled.error().retriable) return replace_writer(settled.error());
  }
}

// Up to the place of our last record: only the broker gives places, so nobody can make us believe that we have read it.
Result<void> MasterLoop::read_back(Offset last) {
  const auto begin = steady_clock::now();
  while (next_ <= last) {
    RIDE_TRY(read(milliseconds(100)));
    if (!leadership_.leads()) return deposed();
    if (is_stopping()) return stopped();
    if (steady_clock::now() - begin < kStallAfter) continue;
    stall("they are not read back");
    answer_questions();
  }
  if (read_ > written_)
    refuse(stream::Refused::forged, last,
           fmt::format(
               "{} more records stand under this master's claim than it wrote: somebody else writes decisions in its "
               "name. They counted; who may write to the topic is for its access rules to say",
               read_ - written_));
  written_ = read_;
  return {};
}

// librdkafka's producer can fail for good, for example after a broker's return. What it had on its way may never land,
// so this master is another candidate from here on, with a new name.
Result<void> MasterLoop::replace_writer(const Error& why) {
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
