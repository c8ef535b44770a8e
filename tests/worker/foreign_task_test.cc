// A task from outside this binary: registered by name, with the ports and parameters that it declares.
#include "tests/worker/stage_runner_fixture.h"
#include "topology/diagnostic.h"
#include "topology/plan.h"
#include "topology/topology.h"
#include "worker/tasks/params.h"

namespace ride::worker {
namespace {

// Sends the frames below a number one way and the others another; known to this test alone.
class SortOut final : public tasks::Task {
 public:
  struct Options {
    int below = 0;
  };
  static const tasks::Params<Options>& params() {
    static const tasks::Params<Options> kParams{{"below",
                                                 &Options::below,
                                                 "Frames with a lower number go to 'early'",
                                                 {.min = 0, .max = 1000, .required = true}}};
    return kParams;
  }
  static tasks::TaskType type() {
    return {{.name = "sort_out", .doc = "Two ways.", .params = params().specs(), .outputs = {"late", "early"}},
            [] { return std::make_unique<SortOut>(); }};
  }
  Result<void> open(const tasks::TaskEnv& env) override {
    options_ = params().read(env.params);
    return {};
  }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    frame.id.number < options_.below ? out.emit("early", frame) : out.emit(frame);
    return {};
  }

 private:
  Options options_;
};

class ForeignTask : public StageRunnerTest {
 protected:
  static constexpr const char* kTopology = R"(
ride: v1
name: job
sources:
  cam: { synthetic: { width: 10, height: 10, frames: 10 }, fps: 10 }
stages:
  - { name: grey, from: [cam], topic: { partitions: 2 }, task: sort_out, params: { below: 4 } }
sinks:
  - { name: rest, from: [grey], topic: { partitions: 3 }, task: discard }
  - { name: first, from: [grey.early], topic: { partitions: 1 }, task: discard }
)";
  static topology::ParseOutcome parse(const std::string& text, const TaskCatalog& catalog) {
    return topology::parse_topology(text, "t.yaml", catalog, environment_of({}));
  }
  // The stage as the master makes it of the topology, with the topics of this test.
  void plan(const topology::Topology& topology) {
    const auto plan = topology::make_plan(topology, RunNumber{1}, "ride", {});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    const auto spec = topology::to_job_spec(*plan);
    stage.task = spec.stages[0].task;
    stage.params = spec.stages[0].params;
    stage.outputs = spec.stages[0].outputs;
    ASSERT_EQ(stage.outputs.size(), 2U);
    for (auto& output : stage.outputs) output.topic = output.to == "rest" ? "out" : "early";
    ASSERT_TRUE(log->admin()->create({"early", 1, 1, {}}).ok());
  }
  // Frames by their number; outcomes, which say that a frame did not come this way, are left out.
  std::set<std::int64_t> frames_in(const std::string& topic, int partitions) {
    std::set<std::int64_t> numbers;
    for (int p = 0; p < partitions; ++p)
      for (const auto& record : log->records({topic, PartitionId{p}})) {
        const auto header = stream::decode_header(record.headers).value();
        if (header.kind == stream::RecordKind::frame) numbers.insert(header.id.number);
      }
    return numbers;
  }

  const tasks::TaskRegistry registry = tasks::builtin_tasks().with(SortOut::type());
};

TEST_F(ForeignTask, RunsWithThePortsAndParametersThatItDeclares) {
  const auto outcome = parse(kTopology, registry.catalog());
  ASSERT_TRUE(outcome.topology) << render(outcome.diagnostics, kTopology);
  plan(*outcome.topology);
  task = *registry.find(stage.task);
  send(10);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{5} && committed(1) == Offset{5}; }));
  EXPECT_EQ(frames_in("early", 1), (std::set<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(frames_in("out", 3), (std::set<std::int64_t>{4, 5, 6, 7, 8, 9}))
      << "its default port is its first one, not 'out'";
}

TEST_F(ForeignTask, IsUnknownWhereNobodyRegisteredIt) {
  const auto outcome = parse(kTopology, tasks::builtin_tasks().catalog());
  EXPECT_FALSE(outcome.topology);
  EXPECT_NE(render(outcome.diagnostics, kTopology).find("unknown task 'sort_out'"), std::string::npos);
  stage.task = "sort_out";
  auto runner = start();
  EXPECT_TRUE(wait_for([&] { return has_notice("task_open_failed: this worker has no task 'sort_out'"); }));
}

TEST_F(ForeignTask, IsNotOpenedWithParametersThatItDoesNotDeclare) {
  task = SortOut::type();
  stage.task = "sort_out";
  const std::vector<ParamValues> wrong = {
      {}, {{"below", std::int64_t{1001}}}, {{"below", std::int64_t{1}}, {"odd", true}}};
  for (const auto& params : wrong) {
    stage.params = params;
    {
      const std::lock_guard lock(mutex);
      notices.clear();
    }
    auto runner = start();
    EXPECT_TRUE(
        wait_for([&] { return has_notice("task_open_failed: task 'sort_out' of stage grey has other parameters"); }));
  }
}

}  // namespace
}  // namespace ride::worker
