#include "tests/simulation/sim_producer.h"

#include "tests/simulation/sim_source.h"

namespace ride::simulation {

SourceShell::SourceShell(Surroundings& around, Host& host, const WorkerId& producer, producer::SharedBudget& budget,
                         const producer::Assignment& assignment, const std::string& source, Acknowledged acknowledged,
                         std::function<void()> finished)
    : around_(around),
      host_(host),
      acknowledged_(std::move(acknowledged)),
      on_finished_(std::move(finished)),
      log_(around.kafka, host,
           [this] {
             return std::make_unique<Writer>(
                 around_.clock, around_.kafka, host_,
                 Writer::Options{.first_goes_alone = around_.broken != Mutation::first_record_not_alone},
                 [this] { serve_soon(); });
           }),
      runner_(std::make_unique<producer::SourceRunner>(
          assignment, source, services(producer, budget),
          [this, &spec = *assignment.job->source(source), session = assignment.session](auto&, auto&) {
            return make_source(spec, session);
          })) {
  turn_later(Time(host.random().between(5'000, 60'000)));
}

producer::RunnerServices SourceShell::services(const WorkerId& producer, producer::SharedBudget& budget) {
  return {
      .log = log_,
      .budget = budget,
      .incarnation = producer.value,
      .environment = environment_of({}),
      .notify = [this](stream::Severity, const std::string& code, const std::string&, bool) { ++around_.fired[code]; },
      .changed = [] {},
      .clock = clock_of(around_.clock)};
}

producer::MadeSource SourceShell::make_source(const stream::SourceSpec& spec, SessionId session) {
  const auto acknowledged = [this, &spec, session](std::int64_t number) {
    acknowledged_({spec.name, session, number});
  };
  const bool broken = around_.broken == Mutation::resume_at_highest;
  return std::unique_ptr<producer::Source>(std::make_unique<SimSource>(
      SimSource::Config{around_.clock, spec, broken ? behind_highest(spec) : 0, acknowledged}, host_.random().fork()));
}

std::int64_t SourceShell::behind_highest(const stream::SourceSpec& spec) const {
  std::int64_t behind = 0;
  for (const auto& output : spec.outputs) {
    for (int p = 0; p < output.partitions; ++p) {
      const auto* line = around_.kafka.find({output.topic, PartitionId{p}});
      for (auto offset = line->first; offset < line->visible; ++offset) {
        const auto header = stream::decode_header(line->records[static_cast<std::size_t>(offset)].content->headers);
        if (header->origin.upstream.name == spec.name) behind = std::max(behind, header->origin.key.minor + 1);
      }
    }
  }
  return behind;
}

void SourceShell::turn_later(Time delay) {
  later(delay, [this] {
    turn();
    if (!finished_) turn_later(Time(host_.random().between(5'000, 20'000)));
  });
}

// Something is acknowledged: one more turn.
void SourceShell::serve_soon() {
  if (std::exchange(serves_, true)) return;
  later(Time(50), [this] {
    serves_ = false;
    turn();
  });
}

void SourceShell::later(Time delay, std::function<void()> what) {
  host_.later(delay, [what = std::move(what), alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) what();
  });
}

void SourceShell::turn() {
  if (finished_) return;
  finished_ = !runner_->turn();
  RIDE_CHECK(!runner_->fatal(), "the run's producers do not fail");
  if (finished_) on_finished_();
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
    if (found != mine.end() && found->second.session == entry.second->session()) {
      entry.second->set_mode(found->second.mode);
      return false;
    }
    entry.second->stop();
    return entry.second->finished();
  });
  for (const auto& [key, assignment] : mine)
    if (!sources_.contains(key))
      sources_[key] = std::make_unique<SourceShell>(around_, host_, config_.id, budget_, assignment, key.source,
                                                    config_.acknowledged, [this] {
                                                      host_.later(Time(1'000), [this] {
                                                        if (member_.caught_up()) act();
                                                      });
                                                    });
}

void SimProducer::fill(stream::Heartbeat& beat) const {
  for (const auto& [key, source] : sources_) beat.sources.push_back(source->progress());
}

}  // namespace ride::simulation
