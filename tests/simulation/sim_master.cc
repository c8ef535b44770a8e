#include "tests/simulation/sim_master.h"

#include "master/core/describe.h"
#include "master/topics.h"

namespace ride::simulation {

namespace {

using Step = master::Decider::Step;

constexpr Time kRound{50'000};
constexpr Time kAppendTimeout{1'000'000};
constexpr Time kNewWriterAfter{200'000};
constexpr Time kBreaksAfter{500'000};
constexpr Time kCleanEvery{5'000'000};

Offset place_of(const Line& line, const ContentPtr& content) {
  const auto found =
      std::find_if(line.records.rbegin(), line.records.rend(), [&](const auto& one) { return one.content == content; });
  RIDE_CHECK(found != line.records.rend(), "what is acknowledged stands in the log");
  return Offset{line.records.rend() - found - 1};
}

const Error kBroken{ErrorCode::unavailable, "the producer is in a bad state"};

bool is_part_of_snapshot(const ContentPtr& content) {
  return std::holds_alternative<stream::SnapshotPart>(content->decision->body);
}

master::Decider::Config decider_of(const SimMaster::Config& config) {
  master::Decider::Config decider{
      .id = config.id, .http = "", .new_log = "log-of-" + config.id, .rules = {}, .leadership = {}};
  decider.rules.snapshot_records = config.snapshot_records;
  decider.rules.snapshot_part_bytes = config.snapshot_part_bytes;
  return decider;
}

}  // namespace

SimMaster::SimMaster(Surroundings& around, Host& host, Config config)
    : around_(around),
      host_(host),
      config_(std::move(config)),
      decider_(decider_of(config_), *this, clock_of(around.clock),
               [&host] { return static_cast<double>(host.random().below(1000)) / 1000.0; }),
      ticks_(around.clock, around.kafka, host, {}, [this] { ticks_.serve({}); }),
      admin_(make_admin(around.kafka)),
      commits_(make_commit_store(around.kafka)),
      cleaner_(*admin_, *commits_),
      decisions_(
          around, host, kDecisions, 0, [this](const Stored& stored) { take_decision(stored); },
          [this] { decisions_taken(); }, [this] { begin_again(); }),
      reports_(
          around, host, kReports, around.kafka.find(kReports)->visible,
          [this](const Stored& stored) { take_report(stored); }, [this] { proceed(); }, [] {}) {
  make_writer();
  config_.watch.on_master_begins(decisions_.position());
  host_.later(kRound, [this] { round(); });
  host_.later(Time(host_.random().between(1'000, 100'000)), [this] { tick(); });
  host_.later(kCleanEvery, [this] { clean(); });
}

void SimMaster::make_writer() {
  writer_ =
      std::make_unique<Writer>(around_.clock, around_.kafka, host_, Writer::Options{}, [this] { writer_->serve({}); });
  on_the_way_ = 0;
}

void SimMaster::network_is_back() {
  decisions_.look();
  reports_.look();
}

// ---- what is read

void SimMaster::take_decision(const Stored& stored) {
  const auto taken = decider_.take(Offset{decisions_.position() - 1}, stored.at, *stored.content->decision);
  if (!taken.ok()) config_.end(taken.error().message);
}

void SimMaster::decisions_taken() {
  config_.watch.on_master(config_.id, decider_.state().hard, decisions_.position());
  proceed();
}

void SimMaster::begin_again() {
  around_.story.tell("{} was overtaken by truncation", config_.id);
  config_.watch.on_overtaken();
  decider_.overtaken();
}

void SimMaster::take_report(const Stored& stored) {
  const auto& report = *stored.content->report;
  if (!report.log.empty() && report.log == decider_.status().log)
    events_.push_back(master::ReportRead{report.body, stored.at});
}

// ---- turns

void SimMaster::round() {
  host_.later(kRound, [this] { round(); });
  proceed();
}

// As MasterLoop::run(), but that waiting ends it: it goes on when something came.
void SimMaster::proceed() {
  if (std::exchange(serves_, true)) return;
  do {
    if (decider_.reads_first() && decisions_.caught_up()) decider_.caught_up();
    decider_.turn(decider_.takes_events() ? std::exchange(events_, {}) : std::vector<master::Event>());
    serve_log();
  } while (decider_.takes_events() && !events_.empty());
  serves_ = false;
}

void SimMaster::serve_log() {
  switch (decider_.step()) {
    case Step::write:
      return write(decider_.take_records());
    case Step::settle:
      return tell_settled();
    case Step::broken:
      return replace_writer();
    case Step::at_rest:
    case Step::sent:
    case Step::read_back:
      return;
  }
}

// ---- the decisions log

void SimMaster::write(const std::vector<stream::Decision>& decisions) {
  std::vector<ContentPtr> records;
  for (const auto& decision : decisions) records.push_back(content_of(decision));
  if (std::any_of(records.begin(), records.end(), is_part_of_snapshot)) config_.writes_snapshot();
  on_the_way_ += records.size();
  last_ = records.back();
  answered_ = false;
  host_.later(kAppendTimeout, [this, write = ++writes_] {
    if (write != writes_ || answered_) return;
    if (host_.random().one_in(4)) return tell_written(kBroken);
    ++around_.fired["decisions not acknowledged in time"];
    tell_written(Error{ErrorCode::timeout, "not acknowledged in time", true});
  });
  post(std::make_shared<const std::vector<ContentPtr>>(std::move(records)), 0);
}

// Parts of a snapshot go one after the other, so that this process may be stopped, and deposed, between two of them.
void SimMaster::post(const Records& records, std::size_t next) {
  for (; next < records->size(); ++next) {
    const auto content = (*records)[next];
    writer_->post(*around_.kafka.find(kDecisions), content,
                  [this, content, records](const Result<Offset>&) { acknowledged(content, records); });
    if (!is_part_of_snapshot(content) || next + 1 == records->size()) continue;
    host_.later(Time(host_.random().between(100, 2'000)), [this, records, next, writer = writer_.get()] {
      if (writer == writer_.get()) post(records, next + 1);
    });
    return;
  }
}

void SimMaster::acknowledged(const ContentPtr& content, const Records& records) {
  --on_the_way_;
  const bool last = content == records->back();
  if (last && around_.broken == Mutation::truncation_behind_void_snapshot) {
    const auto first = std::find_if(records->begin(), records->end(), is_part_of_snapshot);
    if (first != records->end()) delete_before(place_of(*around_.kafka.find(kDecisions), *first));
  }
  if (on_the_way_ > 0) return;
  if (!answered_) return tell_written(place_of(*around_.kafka.find(kDecisions), last_));
  tell_settled();
  proceed();
}

void SimMaster::tell_written(const Result<Offset>& last) {
  answered_ = true;
  RIDE_CHECK(decider_.wrote(last).ok(), "nobody refuses this master");
  if (decider_.step() == Step::settle) {
    host_.later(kBreaksAfter, [this, write = writes_] {
      if (write == writes_ && decider_.step() == Step::settle && host_.random().one_in(2)) break_while_it_waits();
    });
  }
  proceed();
}

void SimMaster::tell_settled() {
  if (decider_.step() != Step::settle || on_the_way_ > 0) return;
  RIDE_CHECK(decider_.settled({}).ok(), "nothing is refused");
  if (decider_.step() == Step::write) write(decider_.take_records());
}

void SimMaster::break_while_it_waits() {
  ++around_.fired["a master's writer broke while Kafka was away"];
  RIDE_CHECK(decider_.settled(kBroken).ok(), "nothing is refused");
  proceed();
}

void SimMaster::replace_writer() {
  if (std::exchange(replaces_, true)) return;
  ++around_.fired["a master's writer broke"];
  host_.later(kNewWriterAfter, [this] {
    replaces_ = false;
    make_writer();
    decider_.writer_made();
    proceed();
  });
}

ContentPtr SimMaster::content_of(const stream::Decision& decision) {
  if (config_.round_trip) {
    auto read_back = stream::decode_decision(stream::encode(decision));
    RIDE_CHECK(read_back.ok() && *read_back == decision, "a decision does not survive its JSON");
  }
  around_.story.tell("{} decides: {}", config_.id, master::describe(decision.body).text);
  auto content = std::make_shared<Content>();
  content->decision = std::make_shared<const stream::Decision>(decision);
  return content;
}

void SimMaster::delete_before(Offset before) {
  // The topic worker's thread does it, when it comes to it; what fails is left to the next snapshot.
  host_.later(Time(host_.random().between(100, 50'000)), [this, before] {
    around_.story.tell("{} deletes the decisions before {}", config_.id, before.value);
    host_.send([&kafka = around_.kafka, before] { kafka.delete_before(*kafka.find(kDecisions), before.value); });
  });
}

// ---- what the decider asks for and tells

void SimMaster::make_topics(std::shared_ptr<const stream::JobSpec> spec) {
  host_.later(Time(host_.random().between(5'000, 80'000)), [this, spec] {
    for (const auto& stage : spec->stages)
      if (!around_.kafka.coordinator_answers(stage.group_id)) return make_topics(spec);
    const auto made = master::make_topics({*admin_, *commits_}, *spec);
    RIDE_CHECK(made.ok(), "topics can be made");
    ask(master::TopicsOutcome{spec->job, spec->run, std::nullopt});
  });
}

void SimMaster::refused(stream::Refused kind, const std::string& why) {
  ++around_.fired["a master refuses a record"];
  around_.story.tell("{}: {} ({})", config_.id, why, stream::to_string(kind));
}

void SimMaster::told(const master::Notify& notify) {
  if (notify.code == "kafka_away") ++around_.fired["a leader waits for Kafka"];
  around_.story.tell("{}: {}", config_.id, notify.text);
}

void SimMaster::log(LogLevel, const std::string& text) { around_.story.tell("{} {}", config_.id, text); }

// ---- timers

void SimMaster::tick() {
  const auto status = decider_.status();
  host_.later(std::chrono::duration_cast<Time>(status.tick_interval), [this] { tick(); });
  if (ticking_) return;
  auto report = status.tick(tick_number_ + 1, std::chrono::duration_cast<master::Leadership::Moment>(
                                                  clock_of(around_.clock).now().time_since_epoch()));
  if (!report) return;
  ticking_ = true;
  ++tick_number_;
  config_.watch.on_tick(status.leadership.standing());
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(std::move(*report));
  ticks_.post(*around_.kafka.find(kReports), std::move(content), [this](const Result<Offset>&) { ticking_ = false; });
}

void SimMaster::clean() {
  host_.later(kCleanEvery, [this] { clean(); });
  if (host_.cut() || !decider_.leads()) return;
  std::vector<std::shared_ptr<const stream::JobSpec>> jobs;
  for (const auto& [name, job] : decider_.state().hard.jobs)
    if (master::has_owners(job->phase)) jobs.push_back(job->spec);
  cleaner_.clean(jobs, around_.clock.wall());
}

}  // namespace ride::simulation
