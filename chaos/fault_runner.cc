#include "chaos/fault_runner.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <thread>

namespace ride::chaos {

using namespace std::chrono_literals;

namespace {

constexpr auto kStep = 10ms;
constexpr auto kPatience = 30s;  // after the last fault
// A fault whose victims are all away waits for one so long: a broker on a busy machine needs most of a minute to start.
constexpr milliseconds kPutOff{500}, kMostPutOff{60'000};

std::optional<Role> any_of_role(const std::string& target) {
  for (const auto role : {Role::worker, Role::node, Role::master, Role::broker})
    if (target == to_string(role)) return role;
  return std::nullopt;
}

// Is this incarnation the victim, or did it live on it?
bool belongs_to(const std::string& incarnation, const FaultTarget& victim) {
  const auto name = incarnation.substr(0, incarnation.find('#'));
  return name == victim.name || (victim.role == Role::node && name.starts_with(victim.name + "-"));
}

}  // namespace

FaultRunner::FaultRunner(TestCluster& test_cluster, Recorder& recorder, Plan plan, std::uint64_t seed, Say say)
    : test_cluster_(test_cluster),
      recorder_(recorder),
      plan_(std::move(plan)),
      seed_(seed),
      random_(seed ^ 0x9e3779b97f4a7c15ULL),
      say_(std::move(say)) {}

FaultRunner::~FaultRunner() {
  for (auto& open : open_) {
    test_cluster_.go_on(open.victim);
    test_cluster_.repair(open.victim);
    if (open.back.valid()) open.back.wait();
  }
}

Result<void> FaultRunner::run(std::stop_token stop) {
  began_ = clock_.now();
  first_ = began_ + plan_.calm;
  std::multimap<milliseconds, Fault> waiting;
  for (auto& fault : schedule_of(plan_, seed_)) waiting.emplace(fault.at, fault);
  auto quiet_until = first_;
  while (!stop.stop_requested()) {
    const auto now = clock_.now();
    if (const auto failed = recorder_.failed()) return *failed;
    RIDE_TRY(end_what_is_due(now));
    RIDE_TRY(bring_back_what_ended(now));
    if (!waiting.empty() && now >= first_ + waiting.begin()->first) {
      const auto [at, fault] = *waiting.begin();
      waiting.erase(waiting.begin());
      if (!strike(fault, at >= fault.at + kMostPutOff)) waiting.emplace(at + kPutOff, fault);
      quiet_until = clock_.now() + plan_.calm;
      continue;
    }
    if (!open_.empty()) quiet_until = now + plan_.calm;
    const bool all = waiting.empty() && open_.empty();
    if (all && now >= quiet_until && (all_recovered() || now >= quiet_until + kPatience)) break;
    std::this_thread::sleep_for(kStep);
  }
  ended_ = clock_.now();
  if (stop.stop_requested()) return Error{ErrorCode::cancelled, "the faults were interrupted"};
  return {};
}

bool FaultRunner::all_recovered() const {
  const auto arrivals = recorder_.arrivals_since(began_);
  const auto baseline = baseline_of(arrivals, began_, first_);
  return struck_.empty() || effect_of(arrivals, baseline, struck_.back().at, clock_.now()).recovered;
}

bool FaultRunner::is_hit(const FaultTarget& victim) const {
  return std::any_of(open_.begin(), open_.end(), [&](const Open& open) {
    return open.victim == victim || belongs_to(victim.name, open.victim) || belongs_to(open.victim.name, victim);
  });
}

// One of the role, at random: of workers rather one that has something to do. One broker at a time, one master of
// several: a second one would end the cluster, not test it.
Result<FaultTarget> FaultRunner::choose(const std::string& target) {
  const auto role = any_of_role(target);
  if (!role) return test_cluster_.find(target);
  if (*role == Role::broker &&
      std::any_of(open_.begin(), open_.end(), [](const Open& open) { return open.victim.role == Role::broker; }))
    return Error{ErrorCode::unavailable, "another broker is down"};
  auto candidates = test_cluster_.candidates(*role);
  std::erase_if(candidates, [this](const FaultTarget& victim) { return is_hit(victim); });
  if (*role == Role::worker || *role == Role::node) {
    std::vector<FaultTarget> busy;
    for (const auto& owner : recorder_.owners())
      for (const auto& one : candidates)
        if (belongs_to(owner, one) && std::find(busy.begin(), busy.end(), one) == busy.end()) busy.push_back(one);
    if (!busy.empty()) candidates = std::move(busy);
  }
  if (candidates.empty()) return Error{ErrorCode::unavailable, fmt::format("no {} is left to hit", target)};
  return candidates[random_() % candidates.size()];
}

bool FaultRunner::strike(const Fault& fault, bool last_try) {
  Struck struck{.fault = fault, .overlaps = !open_.empty()};
  auto victim = choose(fault.target);
  if (!victim.ok() && victim.error().code == ErrorCode::unavailable && !last_try) return false;
  if (!victim.ok()) {
    struck.problem = victim.error().message;
    struck.at = struck.ended = clock_.now();
    say_(fmt::format("{}: {}", describe(fault), struck.problem));
    struck_.push_back(std::move(struck));
    return true;
  }
  struck.victim = victim->name;
  Open open{struck_.size(), *victim, {}, nullptr, {}};
  struck.at = clock_.now();
  if (auto begun = begin(fault, *victim, open); !begun.ok()) struck.problem = begun.error().message;
  struck.ended = open.until;
  say_(fmt::format("{}{}{}", describe(fault), fault.target == victim->name ? "" : " (" + victim->name + ")",
                   struck.problem.empty() ? "" : ": " + struck.problem));
  const bool lasts = struck.problem.empty() && open.until != SystemTime{};
  struck_.push_back(std::move(struck));
  if (lasts) open_.push_back(std::move(open));
  return true;
}

Result<void> FaultRunner::begin(const Fault& fault, const FaultTarget& victim, Open& open) {
  const auto now = clock_.now();
  open.until = now + fault.lasts;
  switch (fault.kind) {
    case FaultKind::kill:
      test_cluster_.kill(victim);
      open.until = victim.role == Role::worker ? SystemTime{} : now + plan_.back_after;
      return {};
    case FaultKind::stop:
      test_cluster_.stop(victim);
      return {};
    case FaultKind::cut:
      return test_cluster_.cut(victim);
    case FaultKind::slow:
      open.limit = test_cluster_.slow(victim, fault.percent);
      return {};
  }
  return {};
}

Result<void> FaultRunner::end_what_is_due(SystemTime now) {
  for (auto open = open_.begin(); open != open_.end();) {
    if (now < open->until) {
      ++open;
      continue;
    }
    RIDE_ASSIGN(auto done, end(*open));
    if (done) {
      struck_[open->struck].ended = clock_.now();
      open = open_.erase(open);
    } else {
      ++open;
    }
  }
  return {};
}

// A program that ends by itself is started again, as whatever looks after it in production does; the run says why. One
// that refused to go on ended with an exit code; a signal that nobody sent is a defect of it.
Result<void> FaultRunner::bring_back_what_ended(SystemTime now) {
  if (now - looked_ < 1s) return {};
  looked_ = now;
  for (const auto& one : test_cluster_.ended()) {
    if (is_hit(one.victim)) continue;
    say_(one.how + "\nIt is started again.");
    if (one.by_signal) crashes_.push_back(one.how);
    RIDE_TRY(test_cluster_.bring_back(one.victim));
  }
  return {};
}

// False: not yet over.
Result<bool> FaultRunner::end(Open& open) {
  switch (struck_[open.struck].fault.kind) {
    case FaultKind::stop:
      test_cluster_.go_on(open.victim);
      return true;
    case FaultKind::cut:
      test_cluster_.repair(open.victim);
      return true;
    case FaultKind::slow:
      open.limit.reset();
      return true;
    case FaultKind::kill:
      break;
  }
  if (open.victim.role != Role::broker) {
    if (test_cluster_.runs(open.victim)) return false;  // on a busy machine a killed process takes a while to end
    RIDE_TRY(test_cluster_.bring_back(open.victim));
    return true;
  }
  if (!open.back.valid())
    open.back =
        std::async(std::launch::async, [this, victim = open.victim] { return test_cluster_.bring_back(victim); });
  if (open.back.wait_for(0ms) != std::future_status::ready) return false;
  RIDE_TRY(open.back.get());
  say_(fmt::format("{} is back after {:.1f} s", open.victim.name,
                   ms_between(struck_[open.struck].at, clock_.now()) / 1000));
  return true;
}

void FaultRunner::record_detection(Struck& struck) const {
  const auto name = struck.victim;
  const bool master = name.starts_with("master");
  const FaultTarget victim{name.find("-w") != std::string::npos ? Role::worker : Role::node, name};
  for (const auto& seen : recorder_.decisions_since(struck.at - 1ms)) {
    // Who was away for a moment and was not missed: a later decision is about something else.
    const bool killed = struck.fault.kind == FaultKind::kill;
    if (seen.written > (killed ? struck.at + 20s : struck.ended + 1s)) return;
    const auto* out = std::get_if<stream::WorkerOut>(&seen.decision.body);
    const bool detected = master ? std::holds_alternative<stream::Claim>(seen.decision.body)
                                 : out != nullptr && belongs_to(out->worker.value, victim);
    if (!detected) continue;
    struck.detect_ms = std::max(0.0, ms_between(struck.at, seen.written));
    return;
  }
}

Report FaultRunner::report(const ledger::Statement& statement) const {
  Report report{.seed = seed_, .plan_began = first_, .faults = struck_, .crashes = crashes_};
  const auto arrivals = recorder_.arrivals_since(began_);
  const auto baseline = baseline_of(arrivals, began_, first_);
  report.usual_ms = baseline.median_ms;
  report.sent = statement.sent;
  report.lost = statement.open();
  report.twice = statement.twice();
  report.redelivered = statement.redelivered();
  for (std::size_t i = 0; i < report.faults.size(); ++i) {
    auto& one = report.faults[i];
    const auto next = i + 1 < report.faults.size() ? report.faults[i + 1].at : SystemTime::max();
    if (one.problem.empty()) {
      one.effect = effect_of(arrivals, baseline, one.at, ended_);
      record_detection(one);
    }
    one.redelivered = recorder_.repeated_between(one.at, next);
    const auto count = [&](const std::vector<ledger::FlowLine::Frame>& frames) {
      return std::count_if(frames.begin(), frames.end(), [&](const auto& frame) {
        const auto captured = recorder_.captured_at(frame.session_key, frame.number);
        return captured && *captured >= one.at && *captured < next;
      });
    };
    for (const auto& flow : statement.flows) {
      one.lost += flow.explained == flow.missing ? 0 : count(flow.missing_frames);
      one.twice += count(flow.twice_frames);
    }
    const auto over = one.at + std::chrono::microseconds(static_cast<std::int64_t>(one.effect.full_rate_ms * 1000));
    one.overlaps = one.overlaps || over > next || one.ended > next;
  }
  return report;
}

Timeline FaultRunner::timeline() const {
  std::vector<Mark> marks;
  for (const auto& one : struck_)
    if (one.problem.empty()) marks.push_back({one.at, fmt::format("{} {}", to_string(one.fault.kind), one.victim)});
  return timeline_of(recorder_.arrivals_since(began_), began_, ended_, 500ms, std::move(marks));
}

}  // namespace ride::chaos
