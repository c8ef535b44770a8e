// ride.decisions as whoever may write there could leave it: a line is a record. Read as a master, a worker, a producer,
// the command line and the ledger read it; then a master takes over from what it found.
#include "cli/core/adopted_stages.h"
#include "common/check.h"
#include "ledger/job_story.h"
#include "master/core/apply.h"
#include "master/core/decide.h"
#include "master/core/describe.h"
#include "master/core/snapshot.h"
#include "producer/core/assignments.h"
#include "stream/core/leader_filter.h"
#include "tests/fuzz/records.h"
#include "worker/core/assignment_view.h"

namespace ride {
namespace {

using master::State;

std::optional<stream::Decision> read(std::string_view line) {
  auto decision = stream::decode_decision(line);
  if (!decision.ok()) return std::nullopt;
  const auto again = stream::decode_decision(stream::encode(*decision));
  RIDE_CHECK(again.ok() && *again == *decision, "a decision that was read does not survive being written");
  (void)master::describe(decision->body);
  return *std::move(decision);
}

// The readers beside the master, who go by the same log.
class Followers {
 public:
  void apply(const stream::Decision& decision) {
    if (!standing_.counts(decision)) return;
    (void)stages_.apply(decision);
    worker_.apply(decision);
    producer_.apply(decision);
    (void)story_.apply(decision);
  }

  void look() const {
    const auto duty = worker_.duty();
    if (duty.stage) {
      const auto* job = worker_.job(duty.stage->job, duty.stage->run);
      RIDE_CHECK(job == nullptr || job->job == duty.stage->job, "another job than the one that was asked for");
    }
    for (const auto partition : duty.releasing)
      RIDE_CHECK(duty.owns.contains(partition), "hands a partition back that it does not own");
    for (const auto& [source, assignment] : producer_.mine())
      RIDE_CHECK(assignment.job != nullptr && assignment.job->job == source.job, "a source of another job");
    if (story_.spec()) RIDE_CHECK(story_.spec()->job.value == "street", "the story of another job");
    (void)stages_.all();
  }

 private:
  stream::LeaderFilter standing_;
  worker::AssignmentView worker_{WorkerId{"w1#a"}};
  producer::Assignments producer_{WorkerId{"p1#a"}};
  ledger::JobStory story_{JobName{"street"}};
  cli::AdoptedStages stages_;
};

void check(const State& state) {
  const auto wrong = master::find_violation(state.hard);
  RIDE_CHECK(!wrong, wrong.value_or(""));
}

// What a snapshot of it shows a reader that begins there.
void check_snapshot(const State& state) {
  const auto parts = stream::cut(master::capture(state.hard), "s", 1000);
  stream::SnapshotAssembler assembler;
  for (const auto& part : parts) {
    const auto whole = assembler.add(part);
    RIDE_CHECK(whole.ok() && whole->has_value() == (part.part == part.parts), "a snapshot of ours cannot be read");
    if (!*whole) continue;
    master::Hard restored;
    restored.standing = state.hard.standing;
    master::restore(restored, **whole);
    RIDE_CHECK(restored == state.hard, "a snapshot does not restore what it was taken of");
  }
}

// The decisions of a new leader count, and it comes to rest.
void take_over(State& state) {
  const auto epoch = state.hard.standing.epoch();
  if (epoch == INT64_MAX) return;
  const auto log = state.hard.standing.log();
  const auto append = [&](const stream::DecisionBody& body) {
    const auto written = stream::encode(stream::Decision{log, epoch + 1, "us", body});
    const auto read_back = stream::decode_decision(written);
    RIDE_CHECK(read_back.ok(), "our own decision cannot be read");
    const auto applied = master::apply(state, *read_back);
    RIDE_CHECK(applied == master::Applied::counted, "our own decision does not count: " + written);
  };
  append(stream::Claim{epoch + 1, "us", "127.0.0.1:7800"});
  std::vector<master::Event> events = {master::LeadershipTaken{}};
  for (int round = 0; round < 20; ++round) {
    const auto actions = master::decide(state, events, SystemTime(std::chrono::seconds(1'800'000'000)));
    events.clear();
    if (actions.empty()) return;
    for (const auto& action : actions)
      if (const auto* append_these = std::get_if<master::Append>(&action))
        for (const auto& body : append_these->decisions) append(body);
  }
  RIDE_CHECK(false, "the new leader does not come to rest");
}

}  // namespace
}  // namespace ride

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ride::master::State state;
  ride::Followers followers;
  for (const auto line : ride::fuzz::lines_of(ride::fuzz::as_text(data, size))) {
    const auto decision = ride::read(line);
    if (!decision) continue;
    const auto before = state.hard;
    const auto applied = ride::master::apply(state, *decision);
    if (applied == ride::master::Applied::contradiction)
      RIDE_CHECK(before == state.hard, "a contradiction changed the state");
    ride::check(state);
    followers.apply(*decision);
    followers.look();
  }
  if (state.hard.standing.log().empty()) return 0;
  ride::check_snapshot(state);
  ride::take_over(state);
  ride::check(state);
  return 0;
}
