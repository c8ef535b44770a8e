// What a worker asks the brokers beside its frames: whether its topics are still there, and where the decisions end.
// What it does stands in worker.cc.
#include <algorithm>
#include <thread>

#include "common/log.h"
#include "stream/kafka/admin.h"
#include "worker/worker.h"

namespace ride::worker {

namespace {

constexpr auto kBrokersAgreeWithin = std::chrono::seconds(1);

}  // namespace

// A topic that was deleted under the job: nothing that waits would bring its frames back. The brokers are asked, since
// one that has just come back may not know all topics.
void Worker::report_gone_topic(const Error& failure) {
  if (failure.code != ErrorCode::not_found || !stage_) return;
  const auto* job = ownership_->job(stage_->job, stage_->run);
  const auto* stage = job == nullptr ? nullptr : job->stage(stage_->stage.value);
  auto admin = kafka::open_admin(config_.kafka);
  if (stage == nullptr || !admin.ok()) return;
  std::this_thread::sleep_for(kBrokersAgreeWithin);
  const auto topics = (*admin)->topics();
  if (!topics.ok() || topics->empty()) return;
  std::vector<std::string> needed = {stage->topic};
  for (const auto& output : stage->outputs) needed.push_back(output.topic);
  for (const auto& name : needed) {
    if (std::any_of(topics->begin(), topics->end(), [&](const auto& topic) { return topic.name == name; })) continue;
    member_->notice(stream::Severity::error, "topic_gone",
                    "topic " + name + " was deleted under the job: its frames are gone, and stage " + stage->name +
                        " cannot go on. Submit the topology again",
                    stage_->job.value, stage_->stage.value, /*fatal_for_job=*/true);
    return;
  }
}

// A record names a session that we do not know: we may be behind, until we have read what was decided by now.
void Worker::answer_reader(const DesiredState& duty) {
  if (!runner_) return;
  const auto question = runner_->decisions_wanted();
  if (question_.must_ask(question)) {
    auto end = member_->ask_end_of_decisions();
    if (!end.ok()) return log_debug("{}", end.error().message);  // asked again with the next round
    question_.asked(question, end->value);
  }
  if (!question_.answered(question, member_->decisions_read().value)) return;
  runner_->know_sessions(duty.sessions);
  runner_->decisions_were_read(question);
}

}  // namespace ride::worker
