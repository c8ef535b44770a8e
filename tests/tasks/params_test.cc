#include "worker/tasks/params.h"

#include <gtest/gtest.h>

namespace ride::tasks {
namespace {

struct Options {
  bool on = true;
  int small = 3;
  std::int64_t large = std::int64_t{1} << 40;
  double share = 0.5;
  std::string word = "all";
};

const Params<Options>& params() {
  static const Params<Options> kParams{{"on", &Options::on, "Whether."},
                                       {"small", &Options::small, "How many.", {.min = 1, .max = 9}},
                                       {"large", &Options::large, "How many.", {.required = true}},
                                       {"share", &Options::share, "How much."},
                                       {"word", &Options::word, "Which.", {.choices = {"all", "none"}}}};
  return kParams;
}

TEST(TaskOptions, TheFieldGivesTypeAndDefault) {
  const auto specs = params().specs();
  ASSERT_EQ(specs.size(), 5U);
  EXPECT_EQ(specs[0].type, ParamType::boolean);
  EXPECT_EQ(specs[0].default_value, ParamValue(true));
  EXPECT_EQ(specs[1].type, ParamType::integer);
  EXPECT_EQ(specs[1].default_value, ParamValue(std::int64_t{3}));
  EXPECT_EQ(specs[1].max, 9);
  EXPECT_EQ(specs[2].default_value, std::nullopt) << "it is required";
  EXPECT_EQ(specs[3].type, ParamType::number);
  EXPECT_EQ(specs[4].default_value, ParamValue(std::string("all")));
  EXPECT_EQ(specs[4].choices.size(), 2U);
}

TEST(TaskOptions, CheckedValuesFillTheFields) {
  const auto checked = check_params(
      params().specs(), {{"large", std::int64_t{7}}, {"share", std::int64_t{2}}, {"small", std::int64_t{9}}});
  ASSERT_TRUE(checked) << checked.error().message;
  const auto options = params().read(*checked);
  EXPECT_TRUE(options.on);
  EXPECT_EQ(options.small, 9);
  EXPECT_EQ(options.large, 7);
  EXPECT_EQ(options.share, 2.0) << "an integer is a number";
  EXPECT_EQ(options.word, "all");
}

TEST(TaskOptionsDeathTest, ValuesThatWereNotCheckedAreABug) {
  EXPECT_DEATH(params().read({}), "was not checked against its declaration");
}

TEST(TaskOptionsDeathTest, AnIntThatMayOverflowIsABug) {
  using One = Param<Options>;
  EXPECT_DEATH(One("small", &Options::small, "How many."), "parameter 'small' fills an int: state its min and max");
  EXPECT_DEATH(One("small", &Options::small, "How many.", {.min = 0, .max = 1e12}), "fills an int");
}

}  // namespace
}  // namespace ride::tasks
