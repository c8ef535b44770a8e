// A stage that reads a topic of others: where it ends, and what it leaves to them.
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

// A topic that others write, and go on writing: the drain says where this job ends in it.
class AdoptedStage : public StageRunnerTest {
 protected:
  void SetUp() override {
    StageRunnerTest::SetUp();
    stage.adopt = stream::AdoptSpec{"raw", "10x10x1", "8u"};
    stage.upstreams.clear();
  }
  void others_write(int count) {
    auto writer = log->writer();
    const auto pixels = std::make_shared<std::vector<std::uint8_t>>(100);
    for (int n = 0; n < count; ++n)
      ASSERT_TRUE(writer->send({"in", PartitionId{n % 2}}, {"", {}, *pixels, pixels}, {}).ok());
    ASSERT_TRUE(writer->flush(5s).ok());
  }
  bool has_ended(StageRunner& runner) {
    return wait_for([&] {
      const auto progress = runner.progress();
      return progress.size() == 2 && progress[0].ended && progress[1].ended;
    });
  }
};

TEST_F(AdoptedStage, EndsWhereTheDrainSaysAndReadsNothingBehindIt) {
  others_write(20);
  auto runner = start();
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{6}}});
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(10) && ends == 3; }));
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_EQ(committed(0), Offset{4});
  EXPECT_EQ(committed(1), Offset{6});
  EXPECT_EQ(runner->progress()[0].end, 4) << "nothing waits for this job any more";
}

TEST_F(AdoptedStage, EndsAtOnceWhereItHasReadBeyondItAndOthersGoOn) {
  others_write(20);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(20); }));
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{12}}});
  others_write(20);
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_EQ(committed(0), Offset{10});
  EXPECT_GE(committed(1), Offset{12});
}

TEST_F(AdoptedStage, TheEndPassesWhatAPredecessorSentFromBehindIt) {
  others_write(20);
  {
    auto lost = start();
    take_all(*lost);
    ASSERT_TRUE(wait_for([&] { return each_once(20); }));
  }
  // Its commits were lost with it.
  for (int p = 0; p < 2; ++p)
    ASSERT_TRUE(log->commits()->commit(stage.group_id, {{{"in", PartitionId{p}}, {Offset{0}, ""}}}).ok());
  auto runner = start();
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{4}}});
  take_all(*runner, 2);
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_TRUE(each_once(20));
  EXPECT_EQ(ends, 3) << "whoever reads the outputs takes the end";
}

TEST_F(AdoptedStage, AnEmptyTopicEndsToo) {
  auto runner = start();
  take_all(*runner);
  runner->end_at({{PartitionId{0}, Offset{0}}, {PartitionId{1}, Offset{0}}});
  EXPECT_TRUE(has_ended(*runner));
}

}  // namespace
}  // namespace ride::worker
