#include "tests/simulation/world.h"

namespace ride::simulation {

namespace {

constexpr Time kCalm = kFaultsUntil + Time(100'000);
constexpr Time kRest = kCalm + Time(8'000'000);  // by then all is repaired: detection, grace, a new leader, warming up
constexpr Time kQuiet{1'000'000};                // ... and so long nothing was decided
constexpr Time kLatest = kRest + Time(30'000'000);
constexpr Time kLookAgain{200'000};

}  // namespace

World::World(const Scenario& scenario, Mutation broken, bool tell)
    : scenario_(scenario),
      random_(scenario.seed ^ 0x5151'5151ULL),
      story_(clock_, tell),
      kafka_(clock_, random_.fork()),
      around_{clock_, kafka_, story_, broken, fired_},
      ledger_(story_, scenario.job,
              [this](const std::string& stage, const FrameId& id) { return scenario_.tasks.at(stage).is_poison(id); }),
      watch_(clock_, ledger_),
      agent_(clock_, random_.fork(), "agent"),
      agent_reports_(clock_, kafka_, agent_, {}, [this] { agent_reports_.serve({}); }) {
  kafka_.on_visible = [this](const Line& line, std::int64_t offset) { on_visible(line, offset); };
  kafka_.on_commit = [this](const auto& group, const auto& at, const auto& commit) {
    ledger_.on_commit(group, at, commit);
  };
  kafka_.on_deleted = [this](const Line& line) {
    if (line.at == kDecisions) watch_.on_truncated(line.first);
  };
  RIDE_CHECK(
      kafka_.create({.name = stream::kDecisionsTopic}).ok() && kafka_.create({.name = stream::kReportsTopic}).ok(),
      "the control topics are new");
  const auto add = [this](const char* kind, int count) {
    for (int i = 1; i <= count; ++i)
      hosts_.push_back(std::make_unique<Host>(clock_, random_.fork(), fmt::format("{}{}", kind, i)));
  };
  add("master", scenario.hosts.masters);
  add("producer", scenario.hosts.producers);
  add("worker", scenario.hosts.workers);
}

Outcome World::run() {
  for (auto& host : hosts_) start(*host);
  clock_.after(Time(400'000), [this] { submit(); });
  for (const auto& fault : scenario_.faults) clock_.at(fault.at, [this, &fault] { begin(fault); });
  for (const auto& scaling : scenario_.scalings) clock_.at(scaling.at, [this, &scaling] { scale(scaling); });
  clock_.at(kCalm, [this] { story_.tell("no more faults"); });
  clock_.at(kRest, [this] { check_rest(); });
  while (!completed_ && !ledger_.problem() && clock_.step())
    if (clock_.now() > kLatest)
      ledger_.complain("the job does not come to its end: " + unrest().value_or("all have owners"));
  if (completed_ && !ledger_.problem()) ledger_.check_completed();
  return {.problem = ledger_.problem(),
          .events = clock_.events(),
          .frames = ledger_.frames(),
          .repetitions = ledger_.repetitions(),
          .faults = static_cast<int>(scenario_.faults.size()),
          .plan = watch_.counts(),
          .lasted = clock_.now(),
          .fired = fired_,
          .story = story_.lines()};
}

void World::on_visible(const Line& line, std::int64_t offset) {
  if (line.at != kDecisions) return ledger_.on_visible(line, offset);
  const auto& decision = *line.records[static_cast<std::size_t>(offset)].content->decision;
  watch_.on_visible(decision);
  if (const auto* assign = std::get_if<stream::Assign>(&decision.body); assign != nullptr && !ledger_.problem())
    note_successors(*assign);
  const auto* job = watch_.plan().find(scenario_.job.job, RunNumber{1});
  if (job == nullptr || !master::is_over(job->phase)) return;
  completed_ = job->phase == master::JobPhase::completed;
  if (!completed_) ledger_.complain("the job failed: " + job->reason);
}

// ---- processes

void World::start(Host& host) {
  story_.tell("{} starts", host.name());
  if (host.name().starts_with("master")) return start_master(host);
  if (host.name().starts_with("producer")) return start_producer(host);
  start_worker(host);
}

std::string World::incarnation(const Host& host) const { return fmt::format("{}#{}", host.name(), host.starts()); }

void World::start_master(Host& host) {
  host.start([&] {
    return std::make_unique<SimMaster>(
        around_, host,
        SimMaster::Config{.id = incarnation(host),
                          .round_trip = scenario_.round_trip,
                          .snapshot_records = scenario_.snapshot_records,
                          .snapshot_part_bytes = scenario_.snapshot_part_bytes,
                          .watch = watch_,
                          .writes_snapshot = [this, &host] { on_snapshot(host); },
                          .end = [this, &host](const std::string& why) { end(host, why); }});
  });
}

void World::start_producer(Host& host) {
  host.start([&] {
    return std::make_unique<SimProducer>(
        around_, host,
        SimProducer::Config{.id = WorkerId{incarnation(host)},
                            .node = NodeName{"n" + host.name().substr(host.name().size() - 1)},
                            .watch = watch_,
                            .acknowledged = [this](const FrameId& id) { ledger_.on_acknowledged(id, is_current(id)); },
                            .end = [this, &host](const std::string& why) { end(host, why); }});
  });
}

void World::start_worker(Host& host) {
  host.start([&] {
    return std::make_unique<SimWorker>(
        around_, host,
        SimWorker::Config{.id = WorkerId{incarnation(host)},
                          .node = NodeName{"n" + host.name().substr(host.name().size() - 1)},
                          .watch = watch_,
                          .task = [this](const stream::StageSpec& stage) { return scenario_.tasks.at(stage.name); },
                          .keep = [this](const FrameId& id, const std::string& item) { ledger_.on_kept(id, item); },
                          .end = [this, &host](const std::string& why) { end(host, why); },
                          .died = [this, &host](std::vector<stream::NamedFrame> of) { die(host, std::move(of)); }});
  });
}

// Of a frame, in the middle of an event of its own.
void World::die(Host& host, std::vector<stream::NamedFrame> of) {
  ++fired_["died of a frame"];
  clock_.after(Time(0), [this, &host, of = std::move(of), starts = host.starts()] {
    if (starts != host.starts()) return;
    const auto incarnation = this->incarnation(host);
    story_.tell("{} dies of frame {}", host.name(), of.empty() ? "?" : of.front().frame);
    host.kill();
    host.resume();
    clock_.after(Time(random_.between(5'000, 50'000)), [this, incarnation, of] { tell_exit(incarnation, of); });
    restart_later(host);
  });
}

bool World::is_current(const FrameId& id) const {
  const auto* job = watch_.plan().find(scenario_.job.job, RunNumber{1});
  return job != nullptr && job->sources.at(id.source).session == id.session;
}

// Not at once: it is the program itself that asks.
void World::end(Host& host, const std::string& why) {
  clock_.after(Time(0), [this, &host, why, starts = host.starts()] {
    if (starts != host.starts()) return;
    story_.tell("{} ends: {}", host.name(), why);
    host.kill();
    restart_later(host);
  });
}

void World::restart_later(Host& host) {
  clock_.after(Time(random_.between(200'000, 1'200'000)), [this, &host, starts = host.starts()] {
    if (starts == host.starts() && !host.running()) start(host);
  });
}

// An agent saw its child end.
void World::tell_exit(const std::string& incarnation, std::vector<stream::NamedFrame> of) {
  auto content = std::make_shared<Content>();
  stream::ChildExit exit{.agent = WorkerId{"agent"}, .child = WorkerId{incarnation}};
  if (of.empty()) {
    exit.exit_code = 137;
    exit.cause = stream::ExitCause::outside;
  } else {
    exit.signal = 11;
    exit.frames = std::move(of);
  }
  content->report =
      std::make_shared<const stream::Report>(stream::Report{watch_.plan().standing.log(), std::move(exit)});
  agent_reports_.post(*kafka_.find(kReports), std::move(content), {});
}

// ---- faults

void World::begin(const Fault& fault) {
  if (fault.kind == FaultKind::scribe) return scribes_.push_back(fault);
  if (fault.kind == FaultKind::broker) {
    story_.tell("broker {} fails", fault.target);
    return kafka_.fail_broker(fault.target);
  }
  befall(*hosts_[static_cast<std::size_t>(fault.target)], fault);
}

void World::befall(Host& host, const Fault& fault) {
  story_.tell("{} {}", host.name(), to_string(fault.kind));
  const auto over = [&](auto undo) {
    clock_.after(fault.length, [this, &host, undo] {
      story_.tell("{} is well again", host.name());
      undo(host);
    });
  };
  switch (fault.kind) {
    case FaultKind::crash:
      return crash(host);
    case FaultKind::successor:
      return crash_successor(host);
    case FaultKind::pause:
      host.pause();
      return over([](Host& one) { one.resume(); });
    case FaultKind::cut:
      host.cut_off();
      return over([](Host& one) { one.heal(); });
    case FaultKind::deaf:
      host.deafen();
      return over([](Host& one) { one.hear(); });
    case FaultKind::slow:
      host.slow_down(10);
      return over([](Host& one) { one.slow_down(1); });
    case FaultKind::late_requests:
      host.delay_requests(fault.length);
      return over([](Host& one) { one.delay_requests(Time(0)); });
    case FaultKind::lost_answers:
      host.lose_answers(true);
      return over([](Host& one) { one.lose_answers(false); });
    case FaultKind::broker:
    case FaultKind::scribe:
      return;
  }
}

// Who writes a snapshot is deposed while it does so: what it had not sent comes under a claim that does not stand any
// more.
void World::on_snapshot(Host& host) {
  if (scribes_.empty()) return;
  auto fault = scribes_.front();
  scribes_.pop_front();
  fault.kind = random_.one_in(2) ? FaultKind::cut : FaultKind::pause;
  fault.length = std::min(fault.length, kFaultsUntil - clock_.now());
  if (fault.length > Time(0)) befall(host, fault);
}

void World::crash(Host& host) {
  if (!host.running()) return;
  const auto incarnation = this->incarnation(host);
  host.kill();
  host.resume();
  // Its agent saw it, or its node is gone with it.
  if (random_.one_in(2))
    clock_.after(Time(random_.between(5'000, 50'000)), [this, incarnation] { tell_exit(incarnation); });
  restart_later(host);
}

// Who owns now what this host's process had.
void World::crash_successor(Host& host) {
  const auto name = successors_.find(host.name());
  if (name == successors_.end()) return;
  for (auto& one : hosts_)
    if (one->name() == name->second) crash(*one);
}

void World::note_successors(const stream::Assign& assign) {
  const auto* stage = watch_.plan().find(master::StageKey{assign.job, assign.run, assign.stage});
  for (const auto partition : assign.partitions) {
    const auto& previous = stage->partitions.at(static_cast<std::size_t>(partition.value)).previous;
    if (!previous.value.empty()) successors_[master::slot_name(previous)] = master::slot_name(assign.worker);
  }
}

// ---- the user, and the last check

SimMaster* World::leader() {
  for (int i = 0; i < scenario_.hosts.masters; ++i) {
    auto& host = *hosts_[static_cast<std::size_t>(i)];
    auto* master = static_cast<SimMaster*>(host.program());
    if (master != nullptr && host.healthy() && master->leads()) return master;
  }
  return nullptr;
}

void World::submit() {
  if (watch_.plan().find(scenario_.job.job, RunNumber{1}) != nullptr) return;
  if (auto* master = leader()) master->ask(master::SubmitRequest{.ticket = 1, .spec = scenario_.job, .topology = ""});
  clock_.after(kLookAgain, [this] { submit(); });
}

void World::scale(const Scaling& scaling) {
  auto* master = leader();
  if (master == nullptr || watch_.plan().find(scenario_.job.job, RunNumber{1}) == nullptr) return;
  story_.tell("a person gives {} {} workers", scaling.stage, scaling.workers);
  ++fired_["scaled by a person"];
  master::ScaleRequest request;
  request.ticket = 3;
  request.job = scenario_.job.job;
  request.stage = StageName{scaling.stage};
  request.workers = scaling.workers;
  master->ask(request);
}

void World::drain() {
  const auto* job = watch_.plan().find(scenario_.job.job, RunNumber{1});
  if (job == nullptr || job->phase == master::JobPhase::draining || master::is_over(job->phase)) return;
  if (auto* master = leader())
    master->ask(master::PhaseRequest{.ticket = 2, .job = scenario_.job.job, .command = master::PhaseCommand::drain});
  clock_.after(kLookAgain, [this] { drain(); });
}

// Invariant 5: every partition has a living owner, and nothing is decided any more.
void World::check_rest() {
  if (const auto why = unrest()) return ledger_.complain("the plan does not come to rest: " + *why);
  story_.tell("the plan is at rest; the job is drained");
  drain();
}

std::optional<std::string> World::unrest() {
  const auto* job = watch_.plan().find(scenario_.job.job, RunNumber{1});
  if (job == nullptr) return "no job";
  if (clock_.now() - watch_.changed_at() < kQuiet) return "decisions are still made";
  for (const auto& [name, stage] : job->stages) {
    for (std::size_t p = 0; p < stage->partitions.size(); ++p) {
      const auto& owner = stage->partitions[p].owner;
      const auto place = fmt::format("{}/{}", name.value, p);
      if (owner.value.empty()) return place + " has no owner";
      const auto host =
          std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& one) { return incarnation(*one) == owner.value; });
      if (host == hosts_.end() || !(*host)->healthy()) return place + ": its owner " + owner.value + " is dead";
      const auto* worker = static_cast<SimWorker*>((*host)->program());
      if (!worker->owns({scenario_.job.job, RunNumber{1}, name}, PartitionId{static_cast<int>(p)}))
        return place + ": its owner " + owner.value + " does not know of it";
    }
  }
  return std::nullopt;
}

Outcome run_seed(std::uint64_t seed, Mutation broken, bool tell) {
  const auto scenario = draw_scenario(seed);
  return World(scenario, broken, tell).run();
}

}  // namespace ride::simulation
