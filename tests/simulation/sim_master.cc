#include "tests/simulation/sim_master.h"

#include "master/core/describe.h"
#include "master/topics.h"

namespace ride::simulation {

namespace {

constexpr const char* kLog = "log-1";
constexpr Time kLook{100'000};
constexpr Time kClaimWithin{1'000'000};
constexpr Time kStalled{1'000'000};
constexpr Time kCleanEvery{5'000'000};

}  // namespace

SimMaster::SimMaster(Surroundings& around, Host& host, Config config)
    : around_(around), host_(host), config_(std::move(config)), heard_at_(around.clock.now()),
      patience_(host.random().between(500'000, 1'500'000)), writer_(around.clock, around.kafka, host, {}, [this] { writer_.serve({}); }),
      admin_(make_admin(around.kafka)), commits_(make_commit_store(around.kafka)), cleaner_(*admin_, *commits_),
      decisions_(around, host, kDecisions, 0, [this](const Stored& stored) { take_decision(stored); },
                 [this] { decisions_taken(); }, [this] { begin_again(); }),
      reports_(around, host, kReports, around.kafka.find(kReports)->visible,
               [this](const Stored& stored) { take_report(stored); }, [this] { proceed(); }, [] {}) {
  host_.later(kLook, [this] { watch_leader(); });
}

void SimMaster::network_is_back() {
  decisions_.look();
  reports_.look();
}

bool SimMaster::is_standing(std::int64_t epoch, const std::string& leader) const {
  return epoch == state_.hard.standing.epoch() && leader == state_.hard.standing.leader();
}

// ---- what is read ----------------------------------------------------------------------------------------------------

void SimMaster::take_decision(const Stored& stored) {
  const auto& decision = *stored.content->decision;
  if (!claim_.id.empty() && decision.leader == claim_.id && decision.epoch == claim_.epoch) ++read_;
  master::apply(state_, decision);
}

void SimMaster::decisions_taken() {
  if (leading_ && !is_standing(claim_.epoch, claim_.id)) {
    leading_ = false;
    return config_.end("it was deposed");
  }
  if (claiming_ && state_.hard.standing.epoch() >= claim_.epoch) {
    claiming_ = false;
    if (is_standing(claim_.epoch, claim_.id)) {
      leading_ = true;
      around_.story.tell("{} leads with epoch {}", config_.id, claim_.epoch);
      events_.push_back(master::LeadershipTaken{});
      tick();
      host_.later(kCleanEvery, [this] { clean(); });
    }
  }
  proceed();
}

void SimMaster::begin_again() {
  const auto rules = state_.rules;
  state_ = {};
  state_.rules = rules;
}

void SimMaster::take_report(const Stored& stored) {
  const auto& report = *stored.content->report;
  if (const auto* tick = std::get_if<stream::Tick>(&report.body); tick != nullptr && is_standing(tick->epoch, tick->leader))
    heard_at_ = around_.clock.now();
  if (leading_) events_.push_back(master::ReportRead{report.body, stored.at});
}

// ---- leadership ------------------------------------------------------------------------------------------------------

void SimMaster::watch_leader() {
  host_.later(kLook, [this] { watch_leader(); });
  if (leading_ || !decisions_.caught_up()) return;
  const auto now = around_.clock.now();
  if (claiming_ && now - asked_at_ < kClaimWithin) return;
  if (now - heard_at_ < patience_) return;
  claim();
}

void SimMaster::claim() {
  claiming_ = true;
  asked_at_ = heard_at_ = around_.clock.now();
  patience_ = Time(host_.random().between(500'000, 1'500'000));
  const auto epoch = state_.hard.standing.epoch() + 1;
  if (claim_.epoch != epoch) written_ = read_ = 0;  // else the earlier one may still land
  claim_ = {.epoch = epoch, .id = config_.id, .http = ""};
  append({claim_});
}

// ---- deciding --------------------------------------------------------------------------------------------------------

void SimMaster::proceed() {
  if (!leading_) return;
  while (read_ >= written_) {
    if (actions_.empty()) {
      if (events_.empty() && !state_.soft.due.any()) return;
      const auto events = std::exchange(events_, {});
      for (auto& action : master::decide(state_, events, around_.clock.wall())) actions_.push_back(std::move(action));
      continue;
    }
    const auto action = std::move(actions_.front());
    actions_.pop_front();
    perform(action);
  }
}

void SimMaster::perform(const master::Action& action) {
  if (const auto* one = std::get_if<master::Append>(&action)) append(one->decisions);
  if (const auto* one = std::get_if<master::EnsureTopics>(&action)) make_topics(one->spec);
}

void SimMaster::append(const std::vector<stream::DecisionBody>& decisions) {
  asked_at_ = around_.clock.now();
  auto& line = *around_.kafka.find(kDecisions);
  for (const auto& body : decisions) {
    stream::Decision decision{kLog, claim_.epoch, claim_.id, body};
    if (config_.round_trip) {
      auto read_back = stream::decode_decision(stream::encode(decision));
      RIDE_CHECK(read_back.ok() && *read_back == decision, "a decision does not survive its JSON");
    }
    around_.story.tell("{} decides: {}", config_.id, master::describe(body).text);
    auto content = std::make_shared<Content>();
    content->decision = std::make_shared<const stream::Decision>(std::move(decision));
    ++written_;
    writer_.post(line, std::move(content), {});
  }
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

// ---- timers ----------------------------------------------------------------------------------------------------------

void SimMaster::tick() {
  host_.later(std::chrono::duration_cast<Time>(master::tick_interval(state_)), [this] { tick(); });
  const bool stalled = read_ < written_ && around_.clock.now() - asked_at_ > kStalled;
  if (ticking_ || stalled || !leading_) return;
  ticking_ = true;
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(
      stream::Report{kLog, stream::Tick{claim_.epoch, claim_.id, ++tick_number_}});
  writer_.post(*around_.kafka.find(kReports), std::move(content), [this](const Result<Offset>&) { ticking_ = false; });
}

void SimMaster::clean() {
  host_.later(kCleanEvery, [this] { clean(); });
  if (host_.cut()) return;
  std::vector<std::shared_ptr<const stream::JobSpec>> jobs;
  for (const auto& [name, job] : state_.hard.jobs)
    if (master::has_owners(job->phase)) jobs.push_back(job->spec);
  cleaner_.clean(jobs, around_.clock.wall());
}

}  // namespace ride::simulation
