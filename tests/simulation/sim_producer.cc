#include "tests/simulation/sim_producer.h"

#include "producer/resume_point.h"
#include "tests/simulation/log_ports.h"
#include "tests/simulation/sim_task.h"

namespace ride::simulation {

namespace {

constexpr std::int64_t kMostOutstanding = 24;

stream::FrameSetWriter::Config writer_config(const WorkerId& producer, const producer::Assignment& assignment,
                                             const stream::SourceSpec& spec) {
  return {.job = assignment.job->job.value,
          .run = assignment.job->run,
          .source = spec.name,
          .writer = producer.value,
          .outputs = spec.outputs,
          .default_codec = "",
          .max_message_bytes = spec.max_message_bytes};
}

}  // namespace

SourceShell::SourceShell(Surroundings& around, Host& host, const WorkerId& producer, producer::Assignment assignment,
                         const std::string& source, Acknowledged acknowledged)
    : around_(around),
      host_(host),
      assignment_(std::move(assignment)),
      spec_(*assignment_.job->source(source)),
      acknowledged_(std::move(acknowledged)),
      mode_(assignment_.mode),
      writer_(around.clock, around.kafka, host, {.first_goes_alone = around.broken != Mutation::first_record_not_alone},
              [this] { serve(); }),
      frames_(writer_, writer_config(producer, assignment_, spec_)) {
  if (spec_.finite) total_ = std::get<std::int64_t>(spec_.params.at("frames"));
  later(Time(host.random().between(5'000, 60'000)), &SourceShell::prepare);
}

void SourceShell::later(Time delay, void (SourceShell::*turn)()) {
  host_.later(delay, [this, turn, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) (this->*turn)();
  });
}

void SourceShell::prepare() {
  if (host_.cut()) return later(Time(50'000), &SourceShell::prepare);
  if (spec_.finite) {
    SimLogAccess log(around_.kafka);
    auto resume = producer::find_resume_point(log, *assignment_.job, spec_, assignment_.session);
    if (!resume.ok()) return later(Time(50'000), &SourceShell::prepare);
    number_ = resume->next;
    if (around_.broken == Mutation::resume_at_highest) number_ = std::max(number_, highest() + 1);
    around_.story.tell("source {} goes on at {}{}", spec_.name, number_, resume->ended ? ", which is its end" : "");
    phase_ = resume->ended ? Phase::ended : Phase::flowing;
  } else {
    phase_ = Phase::flowing;
  }
  next();
}

std::int64_t SourceShell::highest() const {
  std::int64_t highest = -1;
  for (const auto& output : spec_.outputs) {
    for (int p = 0; p < output.partitions; ++p) {
      const auto* line = around_.kafka.find({output.topic, PartitionId{p}});
      for (auto offset = line->first; offset < line->visible; ++offset) {
        const auto header = stream::decode_header(line->records[static_cast<std::size_t>(offset)].content->headers);
        if (header->origin.upstream.name == spec_.name) highest = std::max(highest, header->origin.key.minor);
      }
    }
  }
  return highest;
}

void SourceShell::next() {
  if (phase_ != Phase::flowing) return;
  const auto pace = static_cast<std::int64_t>(1e6 / spec_.fps);
  if (mode_ == producer::SourceMode::drain || (total_ >= 0 && number_ >= total_)) return end();
  later(Time(host_.random().between(pace / 2, pace * 3 / 2)), &SourceShell::next);
  if (outstanding_ < kMostOutstanding) send();
}

void SourceShell::send() {
  Frame frame;
  frame.id = {spec_.name, assignment_.session, number_++};
  frame.captured_at = around_.clock.wall();
  frame.image = SimTask::picture(host_.random().one_in(4), static_cast<std::uint8_t>(host_.random().below(256)));
  ++outstanding_;
  auto sent = frames_.write(frame, [this, id = frame.id](const Result<void>&) {
    --outstanding_;
    ++acked_;
    acknowledged_(id);
  });
  RIDE_CHECK(sent.ok(), "the run's producers do not fail");
}

void SourceShell::end() {
  phase_ = Phase::ending;
  if (total_ >= 0) number_ = std::min(number_, total_);
  around_.story.tell("source {} ends behind {}", spec_.name, number_ - 1);
  auto sent = frames_.write_end(assignment_.session, number_, around_.clock.wall(),
                                [this](const Result<void>&) { phase_ = Phase::ended; });
  RIDE_CHECK(sent.ok(), "the run's producers do not fail");
}

void SourceShell::serve() { RIDE_CHECK(frames_.serve({}).ok(), "the run's producers do not fail"); }

stream::SourceProgress SourceShell::progress() const {
  stream::SourceProgress progress;
  progress.job = assignment_.job->job;
  progress.run = assignment_.job->run;
  progress.source = spec_.name;
  progress.session = assignment_.session;
  progress.connected = phase_ == Phase::flowing;
  progress.ended = phase_ == Phase::ended;
  progress.frames = acked_;
  progress.total = total_;
  return progress;
}

SimProducer::SimProducer(Surroundings& around, Host& host, Config config)
    : around_(around),
      host_(host),
      config_(std::move(config)),
      assignments_(config_.id),
      member_(around, host, offer_of(config_.id, stream::ProcessKind::producer, config_.node),
              {.apply = [this](const stream::Decision& decision) { assignments_.apply(decision); },
               .act = [this] { act(); },
               .fill = [this](stream::Heartbeat& beat) { fill(beat); }}) {}

void SimProducer::act() {
  config_.watch.on_sources(config_.id, assignments_, member_.position());
  if (assignments_.out()) return config_.end("it was declared lost");
  const auto mine = assignments_.mine();
  std::erase_if(sources_, [&](const auto& entry) {
    const auto found = mine.find(entry.first);
    return found == mine.end() || found->second.session != entry.second->assignment().session;
  });
  for (const auto& [key, assignment] : mine) {
    auto& source = sources_[key];
    if (!source)
      source = std::make_unique<SourceShell>(around_, host_, config_.id, assignment, key.source, config_.acknowledged);
    source->set_mode(assignment.mode);
  }
}

void SimProducer::fill(stream::Heartbeat& beat) const {
  for (const auto& [key, source] : sources_) beat.sources.push_back(source->progress());
}

}  // namespace ride::simulation
