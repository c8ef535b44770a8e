#include "chaos/recorder.h"

#include <algorithm>
#include <thread>

namespace ride::chaos {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Where frames leave the job.
std::set<std::string> exits_of(const stream::JobSpec& spec) {
  std::set<std::string> outside, sinks;
  for (const auto& stage : spec.stages) {
    if (stage.outputs.empty()) sinks.insert(stage.topic);
    for (const auto& output : stage.outputs)
      if (output.to.empty()) outside.insert(output.topic);
  }
  return outside.empty() ? sinks : outside;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(const kafka::ClientConfig& config, const std::string& prefix,
                                                  const JobName& job, milliseconds timeout) {
  // Brokers that have just started may have no leader for a topic yet.
  const auto deadline = steady_clock::now() + timeout;
  const auto until_led = [&deadline](const auto& open) {
    auto opened = open();
    while (!opened.ok() && opened.error().retriable && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(200));
      opened = open();
    }
    return opened;
  };
  RIDE_ASSIGN(auto follower, until_led([&] {
                const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
                return ledger::Follower::open(config, prefix, job, std::max(left, milliseconds(0)));
              }));
  RIDE_ASSIGN(auto decisions, until_led([&] { return stream::open_control_reader(config, prefix + ".decisions"); }));
  return std::unique_ptr<Recorder>(new Recorder(std::move(follower), std::move(decisions)));
}

Recorder::Recorder(std::unique_ptr<ledger::Follower> follower, std::unique_ptr<stream::ControlReader> decisions)
    : follower_(std::move(follower)),
      decisions_(std::move(decisions)),
      spec_(follower_->spec()),
      exits_(exits_of(spec_)) {
  for (const auto& source : spec_.sources) sources_.insert(source.name);
  follower_->watch([this](const ledger::Sighting& seen) { record(seen); });
  thread_ = std::thread([this] { run(); });
}

void Recorder::record(const ledger::Sighting& seen) {
  const auto& result = seen.result;
  const std::lock_guard lock(mutex_);
  if (result.verdict == ledger::Verdict::repeated) repeats_.push_back(seen.arrived);
  const bool frame = result.verdict == ledger::Verdict::counts && result.entry->kind == ledger::EntryKind::frame;
  if (!frame) return;
  const auto& entry = *result.entry;
  if (sources_.contains(entry.from.upstream))
    captured_.try_emplace({entry.session_key, entry.number}, entry.captured_at);
  if (exits_.contains(seen.at.topic))
    arrivals_.push_back({entry.captured_at, seen.arrived, PartitionId{static_cast<std::int32_t>(seen.at.partition)}});
}

Recorder::~Recorder() { stop(); }

void Recorder::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Recorder::run() {
  while (!stopping_) {
    auto polled = follower_->poll(milliseconds(50));
    if (!polled.ok()) {
      const std::lock_guard lock(mutex_);
      failure_ = polled.error();
      return;
    }
    read_decisions();
  }
}

void Recorder::read_decisions() {
  auto entries = decisions_->poll(milliseconds(0));
  if (!entries.ok()) {
    const std::lock_guard lock(mutex_);
    failure_ = entries.error();
    return;
  }
  for (const auto& entry : *entries) {
    auto decision = filter_.accept(entry.offset, entry.json, system_now());
    const std::lock_guard lock(mutex_);
    if (!decision.ok()) {
      failure_ = decision.error();
      return;
    }
    if (!*decision) continue;
    note(**decision);
    seen_.push_back({entry.timestamp, **std::move(decision)});
  }
}

void Recorder::note(const stream::Decision& decision) {
  if (const auto* claim = std::get_if<stream::Claim>(&decision.body)) leader_url_ = claim->http;
  if (const auto* out = std::get_if<stream::WorkerOut>(&decision.body))
    std::erase_if(owners_, [out](const auto& one) { return one.second == out->worker.value; });
  const auto* changed = std::get_if<stream::JobPhaseChanged>(&decision.body);
  if (changed != nullptr && changed->job == spec_.job && changed->run == spec_.run) phase_ = changed->phase;
  const auto* assign = std::get_if<stream::Assign>(&decision.body);
  if (assign == nullptr || assign->job != spec_.job || assign->run != spec_.run) return;
  for (const auto partition : assign->partitions)
    owners_[{assign->stage.value, partition.value}] = assign->worker.value;
}

std::vector<Arrival> Recorder::arrivals_since(SystemTime arrived) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::partition_point(arrivals_.begin(), arrivals_.end(), [&](const auto& one) { return one.arrived < arrived; });
  return {first, arrivals_.end()};
}

std::vector<SeenDecision> Recorder::decisions_since(SystemTime written) const {
  const std::lock_guard lock(mutex_);
  std::vector<SeenDecision> seen;
  for (const auto& one : seen_)
    if (one.written >= written) seen.push_back(one);
  return seen;
}

std::int64_t Recorder::repeated() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(repeats_.size());
}

std::int64_t Recorder::repeated_between(SystemTime from, SystemTime to) const {
  const std::lock_guard lock(mutex_);
  return std::count_if(repeats_.begin(), repeats_.end(), [&](SystemTime at) { return at >= from && at < to; });
}

std::set<std::string> Recorder::owners() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> owners;
  for (const auto& [partition, owner] : owners_) owners.insert(owner);
  return owners;
}

stream::JobPhase Recorder::phase() const {
  const std::lock_guard lock(mutex_);
  return phase_;
}

std::string Recorder::leader_url() const {
  const std::lock_guard lock(mutex_);
  return leader_url_;
}

std::optional<SystemTime> Recorder::captured_at(const ledger::SessionKey& session_key, std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = captured_.find({session_key, number});
  return found == captured_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<SystemTime> Recorder::captures() const {
  std::vector<SystemTime> times;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [frame, at] : captured_) times.push_back(at);
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::optional<Error> Recorder::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Result<ledger::Statement> Recorder::finish(milliseconds patience) {
  stop();
  if (failure_) return *failure_;
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    auto statement = follower_->statement(patience);
    if (statement.ok() ? statement->clean() || steady_clock::now() > deadline : !statement.error().retriable)
      return statement;
    RIDE_TRY(follower_->poll(milliseconds(100)));
  }
}

std::vector<ledger::SinkFiles> Recorder::sink_files(const std::filesystem::path& base) const {
  return ledger::count_sink_files(spec_, follower_->audit(), base, follower_->counted());
}

}  // namespace ride::chaos
