// What a worker takes, drops and hands back, and when a question of its reader is answered.
#include "worker/core/taken_partitions.h"

#include <gtest/gtest.h>

#include "worker/core/decisions_question.h"

namespace ride::worker {
namespace {

using Partitions = std::vector<PartitionId>;
using Epochs = std::map<PartitionId, Epoch>;

constexpr PartitionId kFirst{0}, kSecond{1};

DesiredState duty(Epochs owns, std::set<PartitionId> releasing = {}) {
  DesiredState duty;
  duty.owns = std::move(owns);
  duty.releasing = std::move(releasing);
  return duty;
}

TEST(TakenPartitions, WhatIsOursAndNotTakenIsMissing) {
  TakenPartitions taken;
  const auto ours = duty({{kFirst, Epoch{1}}, {kSecond, Epoch{2}}});
  taken.took(kFirst, Epoch{1});
  EXPECT_EQ(taken.missing(ours), (Epochs{{kSecond, Epoch{2}}}));
  EXPECT_TRUE(taken.drop(ours).empty());
}

TEST(TakenPartitions, WhatIsAnothersIsDroppedOnce) {
  TakenPartitions taken;
  taken.took(kFirst, Epoch{1});
  EXPECT_EQ(taken.drop(duty({})), Partitions{kFirst});
  EXPECT_TRUE(taken.drop(duty({})).empty());
  EXPECT_TRUE(taken.empty());
}

TEST(TakenPartitions, WhatIsOursAgainAtAnotherEpochIsDroppedAndTakenAnew) {
  TakenPartitions taken;
  taken.took(kFirst, Epoch{1});
  const auto again = duty({{kFirst, Epoch{3}}});
  EXPECT_EQ(taken.drop(again), Partitions{kFirst});
  EXPECT_EQ(taken.missing(again), (Epochs{{kFirst, Epoch{3}}}));
}

TEST(TakenPartitions, APartitionIsHandedBackOnceAndOnlyIfItWasTaken) {
  TakenPartitions taken;
  taken.took(kFirst, Epoch{1});
  const auto asked = duty({{kFirst, Epoch{1}}, {kSecond, Epoch{1}}}, {kFirst, kSecond});
  EXPECT_EQ(taken.release(asked), Partitions{kFirst});
  EXPECT_TRUE(taken.release(asked).empty());
  EXPECT_TRUE(taken.release_all().empty());
  taken.took(kSecond, Epoch{1});
  EXPECT_EQ(taken.release_all(), Partitions{kSecond});
}

TEST(TakenPartitions, OneThatWasHandedBackAndComesAgainMayBeHandedBackAgain) {
  TakenPartitions taken;
  taken.took(kFirst, Epoch{1});
  EXPECT_EQ(taken.release(duty({{kFirst, Epoch{1}}}, {kFirst})), Partitions{kFirst});
  taken.drop(duty({}));
  taken.took(kFirst, Epoch{2});
  EXPECT_EQ(taken.release(duty({{kFirst, Epoch{2}}}, {kFirst})), Partitions{kFirst});
}

TEST(DecisionsQuestion, IsAnsweredOnceWhenAllThatWasDecidedBeforeItIsRead) {
  DecisionsQuestion question;
  EXPECT_FALSE(question.must_ask(0)) << "nobody waits";
  ASSERT_TRUE(question.must_ask(1));
  EXPECT_FALSE(question.answered(1, 100)) << "it was not asked where the decisions end";
  question.asked(1, 50);
  EXPECT_FALSE(question.must_ask(1));
  EXPECT_FALSE(question.answered(1, 49));
  EXPECT_TRUE(question.answered(1, 50));
  EXPECT_FALSE(question.answered(1, 60));
  EXPECT_FALSE(question.must_ask(1));
}

TEST(DecisionsQuestion, ALaterOneIsAskedAnew) {
  DecisionsQuestion question;
  question.asked(1, 50);
  ASSERT_TRUE(question.must_ask(2));
  EXPECT_FALSE(question.answered(2, 60)) << "what was decided meanwhile may lie behind it";
  question.asked(2, 70);
  EXPECT_FALSE(question.answered(2, 60));
  EXPECT_TRUE(question.answered(2, 70));
}

}  // namespace
}  // namespace ride::worker
