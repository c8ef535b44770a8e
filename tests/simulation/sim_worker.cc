#include "tests/simulation/sim_worker.h"

namespace ride::simulation {

SimWorker::SimWorker(Surroundings& around, Host& host, Config config)
    : around_(around),
      host_(host),
      config_(std::move(config)),
      ownership_(config_.id),
      member_(around, host, offer_of(config_.id, stream::ProcessKind::worker, config_.node),
              {.apply = [this](const stream::Decision& decision) { ownership_.apply(decision); },
               .act = [this] { act(); },
               .fill = [this](stream::Heartbeat& beat) { fill(beat); }}) {}

void SimWorker::network_is_back() {
  member_.look();
  if (shell_) shell_->look();
}

bool SimWorker::owns(const worker::StageKey& stage, PartitionId partition) const {
  return stage_ == stage && taken_.contains(partition);
}

void SimWorker::act() {
  const auto duty = ownership_.duty();
  config_.watch.on_duty(config_.id, duty, member_.position());
  if (duty.out) return config_.end("it was declared lost");
  if (duty.stage != stage_) {
    shell_.reset();
    stage_.reset();
    taken_.clear();
    question_.clear();
    if (duty.stage) open_stage(*duty.stage);
  }
  if (!shell_) return;
  reconcile(duty);
  answer_reader();
}

void SimWorker::open_stage(const worker::StageKey& key) {
  const auto* job = ownership_.job(key.job, key.run);
  const auto* stage = job == nullptr ? nullptr : job->stage(key.stage.value);
  if (stage == nullptr || around_.kafka.find({stage->topic, PartitionId{0}}) == nullptr) {
    // Its topics are not there yet: tried again with the next round.
    return host_.later(Time(50'000), [this] { act(); });
  }
  StageShell::Config config;
  config.job = std::make_shared<const stream::JobSpec>(*job);
  config.stage = config.job->stage(key.stage.value);
  config.worker = config_.id;
  config.task = config_.task(*stage);
  config.keep = config_.keep;
  config.asks = [this] { answer_reader(); };
  config.died = config_.died;
  config.released = [this, key](PartitionId partition) {
    member_.post(stream::Released{key.job, key.run, key.stage, config_.id, {partition}});
  };
  config.lost = [this, key](const std::string& why) {
    around_.story.tell("{}: {}", config_.id.value, why);
    member_.post(stream::Notice{.from = config_.id,
                                .severity = stream::Severity::error,
                                .code = "offset_lost",
                                .text = why,
                                .job = key.job.value,
                                .stage = key.stage.value,
                                .fatal_for_job = true});
  };
  ++opened_;
  shell_ = std::make_unique<StageShell>(around_, host_, std::move(config));
  stage_ = key;
}

void SimWorker::reconcile(const worker::DesiredState& duty) {
  auto& runner = shell_->runner();
  runner.know_sessions(duty.sessions);
  runner.pause(duty.paused);
  runner.quarantine(duty.quarantined);
  runner.end_at(duty.ends);
  for (const auto partition : taken_.drop(duty)) shell_->drop(partition);
  for (const auto& [partition, epoch] : taken_.missing(duty)) {
    shell_->assign(partition, epoch);
    taken_.took(partition, epoch);
  }
  for (const auto partition : taken_.release(duty)) shell_->release(partition);
  shell_->look();
}

void SimWorker::answer_reader() {
  if (!shell_) return;
  const auto question = shell_->runner().decisions_wanted();
  if (question_.must_ask(question) && !asking_) {
    asking_ = true;
    ++around_.fired["asked where the decisions end"];
    host_.send(
        [this, alive = std::weak_ptr(alive_), question, opened = opened_, &host = host_, &kafka = around_.kafka] {
          host.answer(
              [this, alive, question, opened, end = kafka.find(kDecisions)->visible] {
                if (alive.expired()) return;
                asking_ = false;
                if (opened == opened_) question_.asked(question, end);
                answer_reader();
              },
              false);
        });
  }
  if (!question_.answered(question, member_.position())) return;
  shell_->runner().know_sessions(ownership_.duty().sessions);
  shell_->runner().decisions_were_read(question);
  shell_->look();
}

void SimWorker::fill(stream::Heartbeat& beat) const {
  if (!shell_) return;
  beat.warm = shell_->warm();
  beat.group = stage_->job.value + "/" + stage_->stage.value;
  beat.partitions = shell_->progress();
}

}  // namespace ride::simulation
