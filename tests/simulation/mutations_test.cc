// Each rule of delivery, broken on purpose, is noticed by the invariants within a few seeds: else a run in which all is
// well would mean nothing.
#include <gtest/gtest.h>

#include "tests/simulation/replay.h"

namespace ride::simulation {
namespace {

struct Case {
  Mutation broken;
  std::uint64_t within;  // seeds
};

std::string name_of(Mutation mutation) {
  for (const auto& one : kMutations)
    if (one.mutation == mutation) return std::string(one.name);
  return "unknown";
}

std::optional<std::uint64_t> bad_seed(Mutation broken, std::uint64_t within) {
  for (std::uint64_t seed = 1; seed <= within; ++seed)
    if (run_seed(seed, broken).problem) return seed;
  return std::nullopt;
}

class Mutations : public testing::TestWithParam<Case> {};

TEST_P(Mutations, AreFound) {
  const auto [broken, within] = GetParam();
  const auto seed = bad_seed(broken, within);
  ASSERT_TRUE(seed) << "not in " << within << " seeds";
  EXPECT_EQ(run_seed(*seed).problem, std::nullopt) << "the rule is not what failed";
  const auto story = report(*seed, broken);
  std::cout << story.substr(0, story.find('\n')) << "\n";
  EXPECT_NE(story.find("WRONG"), std::string::npos) << "the story tells of it";
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Mutations,
    testing::Values(Case{Mutation::watermark_of_read_position, 100}, Case{Mutation::drop_by_epoch, 500},
                    Case{Mutation::own_offset_origin, 100}, Case{Mutation::resume_at_highest, 500},
                    Case{Mutation::commit_past_unacked, 100}, Case{Mutation::no_finished_list, 1000},
                    Case{Mutation::truncation_behind_void_snapshot, 500}, Case{Mutation::first_record_not_alone, 100}),
    [](const auto& info) { return name_of(info.param.broken); });

TEST(Shorten, LeavesTheFaultsThatAreNeeded) {
  const auto broken = Mutation::watermark_of_read_position;
  const auto seed = bad_seed(broken, 100);
  ASSERT_TRUE(seed);
  const auto whole = draw_scenario(*seed);
  const auto shorter = shorten(whole, broken);
  EXPECT_LE(shorter.faults.size(), whole.faults.size());
  EXPECT_TRUE(World(shorter, broken, false).run().problem);
}

}  // namespace
}  // namespace ride::simulation
