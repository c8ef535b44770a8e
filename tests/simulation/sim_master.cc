#include "tests/simulation/sim_master.h"

#include "master/core/describe.h"
#include "master/topics.h"

namespace ride::simulation {

namespace {

using Role = master::Leadership::Role;

constexpr Time kRound{50'000};
constexpr std::chrono::milliseconds kAppendTimeout{1'000};
constexpr Time kCleanEvery{5'000'000};

// The product's parts have 500 KB; here several are wanted of a small state.
std::vector<stream::SnapshotPart> cut_again(const stream::SnapshotPart& whole, int parts) {
  const auto size = whole.text.size() / static_cast<std::size_t>(parts) + 1;
  std::vector<stream::SnapshotPart> pieces;
  for (int i = 0; i < parts; ++i)
    pieces.push_back({whole.id, i + 1, parts, whole.text.substr(static_cast<std::size_t>(i) * size, size)});
  return pieces;
}

Offset place_of(const Line& line, const ContentPtr& content) {
  const auto found =
      std::find_if(line.records.begin(), line.records.end(), [&](const auto& one) { return one.content == content; });
  return Offset{found - line.records.begin()};
}

}  // namespace

SimMaster::SimMaster(Surroundings& around, Host& host, Config config)
    : around_(around),
      host_(host),
      config_(std::move(config)),
      leadership_(config_.id, ""),
      log_id_("log-of-" + config_.id),
      writer_(around.clock, around.kafka, host, {}, [this] { writer_.serve({}); }),
      admin_(make_admin(around.kafka)),
      commits_(make_commit_store(around.kafka)),
      cleaner_(*admin_, *commits_),
      decisions_(
          around, host, kDecisions, 0, [this](const Stored& stored) { take_decision(stored); },
          [this] { decisions_taken(); }, [this] { begin_again(); }),
      reports_(
          around, host, kReports, around.kafka.find(kReports)->visible,
          [this](const Stored& stored) { take_report(stored); }, [this] { proceed(); }, [] {}) {
  state_.rules.snapshot_records = config_.snapshot_records;
  config_.watch.on_master_begins(decisions_.position());
  host_.later(kRound, [this] { round(); });
  host_.later(Time(host.random().between(1'000, 100'000)), [this] { tick(); });
  host_.later(kCleanEvery, [this] { clean(); });
}

void SimMaster::network_is_back() {
  decisions_.look();
  reports_.look();
}

master::Leadership::Moment SimMaster::now() const {
  return std::chrono::duration_cast<master::Leadership::Moment>(around_.clock.now());
}

// ---- what is read

void SimMaster::take_decision(const Stored& stored) {
  const auto& decision = *stored.content->decision;
  if (decision.epoch == term_ && decision.leader == leadership_.id()) ++read_;
  const auto applied = master::apply(state_, decision);
  if (applied == master::Applied::foreign_log || applied == master::Applied::unreadable_snapshot)
    return config_.end("the log is not its own");
  log_id_ = state_.hard.standing.log();
  if (applied != master::Applied::counted) return;
  if (leadership_.standing() != state_.hard.claim) leadership_.stands(state_.hard.claim, now());
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body))
    snapshot_.read(*part, Offset{decisions_.position() - 1});
}

void SimMaster::decisions_taken() {
  config_.watch.on_master(config_.id, state_.hard, decisions_.position());
  proceed();
}

void SimMaster::begin_again() {
  around_.story.tell("{} was overtaken by truncation", config_.id);
  config_.watch.on_overtaken();
  leadership_.overtaken();
  change_role();
  auto standing = state_.hard.standing;
  standing.restart();
  state_.hard = {};
  state_.hard.standing = standing;
}

void SimMaster::take_report(const Stored& stored) {
  const auto& report = *stored.content->report;
  if (!report.log.empty() && report.log == state_.hard.standing.log())
    events_.push_back(master::ReportRead{report.body, stored.at});
}

// ---- leadership

void SimMaster::round() {
  host_.later(kRound, [this] { round(); });
  proceed();
  seek_leadership();
}

// What is on its way must be acknowledged and read back; a claim is waited for only so long.
bool SimMaster::waits() const {
  if (read_ >= written_ && unacknowledged_ == 0) return false;
  return leading_ || (leadership_.role() == Role::claiming && now() - asked_at_ < kAppendTimeout);
}

void SimMaster::append_is_done() {
  if (writing_ && leading_) leadership_.wrote(asked_at_);
  writing_ = false;
}

void SimMaster::change_role() {
  if (leadership_.leads() == leading_) return;
  leading_ = taken_ = leadership_.leads();
  around_.story.tell("{} {} with epoch {}", config_.id, leading_ ? "leads" : "is deposed",
                     leadership_.standing().epoch);
  if (leading_) return;
  actions_.clear();
  master::step_down(state_);
}

void SimMaster::note_ticks(const std::vector<master::Event>& events) {
  const auto& standing = leadership_.standing();
  for (const auto& event : events) {
    const auto* report = std::get_if<master::ReportRead>(&event);
    const auto* tick = report == nullptr ? nullptr : std::get_if<stream::Tick>(&report->body);
    if (tick != nullptr && tick->epoch == standing.epoch && tick->leader == standing.id) leadership_.ticked(now());
  }
}

void SimMaster::seek_leadership() {
  if (waits() || leadership_.role() == Role::reading) return;
  const bool led = leadership_.leads();
  const auto random = static_cast<double>(host_.random().below(1000)) / 1000.0;
  const auto due = leadership_.due(now(), random, master::tick_interval(state_));
  if (!due) return;
  if (!led && term_ != due->epoch) {
    written_ = read_ = unacknowledged_ = 0;  // else the earlier claim may still land
    term_ = due->epoch;
  }
  append({*due}, *due);
}

// ---- deciding

void SimMaster::proceed() {
  if (leadership_.role() == Role::reading) {
    if (!decisions_.caught_up()) return;
    leadership_.caught_up(now());
  }
  change_role();
  while (!waits()) {
    append_is_done();
    if (!actions_.empty()) {
      const auto action = std::move(actions_.front());
      actions_.pop_front();
      perform(action);
      continue;
    }
    const auto events = std::exchange(taken_, false) ? std::vector<master::Event>{master::LeadershipTaken{}}
                                                     : std::exchange(events_, {});
    note_ticks(events);
    if (!leading_) return master::stand_by(state_, events);
    if (events.empty() && !state_.soft.due.any()) return;
    for (auto& action : master::decide(state_, events, around_.clock.wall())) actions_.push_back(std::move(action));
  }
}

void SimMaster::perform(const master::Action& action) {
  if (const auto* one = std::get_if<master::Append>(&action)) append(one->decisions, leadership_.standing());
  if (const auto* one = std::get_if<master::EnsureTopics>(&action)) make_topics(one->spec);
  if (const auto* one = std::get_if<master::TruncateBehind>(&action))
    if (const auto before = snapshot_.behind(*one, state_)) truncate(*before);
}

void SimMaster::append(const std::vector<stream::DecisionBody>& decisions, const stream::Claim& claim) {
  asked_at_ = now();
  writing_ = true;
  Contents parts;  // a snapshot is the last thing that is decided
  for (const auto& body : decisions) {
    if (const auto* whole = std::get_if<stream::SnapshotPart>(&body)) {
      for (auto& part : cut_again(*whole, static_cast<int>(host_.random().between(1, 3))))
        parts.push_back(content_of(claim, std::move(part)));
    } else {
      post(content_of(claim, body));
    }
  }
  if (parts.empty()) return;
  config_.writes_snapshot();
  post_snapshot(std::move(parts), 0);
}

ContentPtr SimMaster::content_of(const stream::Claim& claim, stream::DecisionBody body) {
  stream::Decision decision{log_id_, claim.epoch, claim.id, std::move(body)};
  if (config_.round_trip) {
    auto read_back = stream::decode_decision(stream::encode(decision));
    RIDE_CHECK(read_back.ok() && *read_back == decision, "a decision does not survive its JSON");
  }
  around_.story.tell("{} decides: {}", config_.id, master::describe(decision.body).text);
  auto content = std::make_shared<Content>();
  content->decision = std::make_shared<const stream::Decision>(std::move(decision));
  ++written_;
  ++unacknowledged_;
  return content;
}

void SimMaster::post(ContentPtr content, std::function<void()> acknowledged) {
  const auto done = [this, term = term_, acknowledged = std::move(acknowledged)](const Result<Offset>&) {
    if (acknowledged) acknowledged();
    if (term != term_) return;
    --unacknowledged_;
    proceed();
  };
  writer_.post(*around_.kafka.find(kDecisions), std::move(content), done);
}

// One after the other, so that this process may be stopped, and deposed, between two of them.
void SimMaster::post_snapshot(Contents parts, std::size_t next) {
  const bool last = next + 1 == parts.size();
  std::function<void()> acknowledged;
  if (last && around_.broken == Mutation::truncation_behind_void_snapshot)
    acknowledged = [this, first = parts.front()] { truncate(place_of(*around_.kafka.find(kDecisions), first)); };
  post(parts[next], std::move(acknowledged));
  if (!last)
    host_.later(Time(host_.random().between(100, 2'000)),
                [this, parts = std::move(parts), next] { post_snapshot(parts, next + 1); });
}

void SimMaster::truncate(Offset before) {
  // The topic worker's thread does it, when it comes to it; what fails is left to the next snapshot.
  host_.later(Time(host_.random().between(100, 50'000)), [this, before] {
    around_.story.tell("{} deletes the decisions before {}", config_.id, before.value);
    host_.send([&kafka = around_.kafka, before] { kafka.delete_before(*kafka.find(kDecisions), before.value); });
  });
}

void SimMaster::make_topics(std::shared_ptr<const stream::JobSpec> spec) {
  host_.later(Time(host_.random().between(5'000, 80'000)), [this, spec] {
    for (const auto& stage : spec->stages)
      if (!around_.kafka.coordinator_answers(stage.group_id)) return make_topics(spec);
    const auto made = master::make_topics({*admin_, *commits_}, *spec);
    RIDE_CHECK(made.ok(), "topics can be made");
    ask(master::TopicsOutcome{spec->job, spec->run, std::nullopt});
  });
}

// ---- timers

void SimMaster::tick() {
  host_.later(std::chrono::duration_cast<Time>(master::tick_interval(state_)), [this] { tick(); });
  if (ticking_ || !leadership_.may_tick(now())) return;
  ticking_ = true;
  const auto& claim = leadership_.standing();
  config_.watch.on_tick(claim);
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(
      stream::Report{log_id_, stream::Tick{claim.epoch, claim.id, ++tick_number_}});
  writer_.post(*around_.kafka.find(kReports), std::move(content), [this](const Result<Offset>&) { ticking_ = false; });
}

void SimMaster::clean() {
  host_.later(kCleanEvery, [this] { clean(); });
  if (host_.cut() || !leading_) return;
  std::vector<std::shared_ptr<const stream::JobSpec>> jobs;
  for (const auto& [name, job] : state_.hard.jobs)
    if (master::has_owners(job->phase)) jobs.push_back(job->spec);
  cleaner_.clean(jobs, around_.clock.wall());
}

}  // namespace ride::simulation
