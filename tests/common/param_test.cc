#include "common/param.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/json.h"

namespace ride {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::optional<std::string> must_be_odd(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 2 != 0) return std::nullopt;
  return "must be odd";
}

const std::vector<ParamSpec> kSpecs = {
    {.name = "ksize",
     .type = ParamType::integer,
     .doc = "Window, in pixels",
     .default_value = std::int64_t{5},
     .min = 1,
     .max = 201,
     .rule = must_be_odd,
     .rule_doc = "must be odd"},
    {.name = "sigma", .type = ParamType::number, .doc = "Spread, in pixels", .default_value = 0.0, .min = 0},
    {.name = "border",
     .doc = "What lies outside",
     .default_value = std::string("reflect101"),
     .choices = {"reflect101", "replicate"}},
    {.name = "exact", .type = ParamType::boolean, .doc = "No shortcuts", .default_value = false},
    {.name = "path", .doc = "Where to write"},
};

std::string error_of(const ParamValues& given) {
  auto checked = check_params(kSpecs, given);
  return checked ? "" : checked.error().message;
}

TEST(Params, FillInDefaultsAndKeepWhatIsGiven) {
  const auto checked = check_params(kSpecs, {{"path", std::string("out")}, {"ksize", std::int64_t{61}}});
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(get_int(*checked, "ksize"), 61);
  EXPECT_EQ(get_number(*checked, "sigma"), 0.0);
  EXPECT_EQ(get_string(*checked, "border"), "reflect101");
  EXPECT_FALSE(get_bool(*checked, "exact"));
}

TEST(Params, AnIntegerIsTakenWhereANumberIsDeclared) {
  const auto checked = check_params(kSpecs, {{"path", std::string("out")}, {"sigma", std::int64_t{2}}});
  ASSERT_TRUE(checked);
  EXPECT_EQ(get_number(*checked, "sigma"), 2.0);
}

TEST(Params, AnUnknownNameGetsASuggestion) {
  EXPECT_THAT(error_of({{"path", std::string("x")}, {"ksise", std::int64_t{5}}}),
              HasSubstr("unknown parameter 'ksise', did you mean 'ksize'?"));
  EXPECT_THAT(error_of({{"zzzzzz", true}}), HasSubstr("Known: ksize, sigma, border, exact, path"));
}

TEST(Params, AMissingRequiredOneIsNamedWithItsMeaning) {
  EXPECT_EQ(error_of({}), "parameter 'path' is missing: Where to write");
}

TEST(Params, AWrongTypeSaysWhatIsWanted) {
  const ParamValue path = std::string("x");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::string("5")}}),
            "parameter 'ksize' is an integer, but '5' is given; write it without quotes");
  EXPECT_EQ(error_of({{"path", path}, {"sigma", std::string(".nan")}}),
            "parameter 'sigma' is a number, but '.nan' is given");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::string("5.5")}}),
            "parameter 'ksize' is an integer, but '5.5' is given");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::string("5.0")}}),
            "parameter 'ksize' is an integer, but '5.0' is given");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", 5.0}}), "parameter 'ksize' is an integer, but 5 is given");
  EXPECT_EQ(error_of({{"path", std::int64_t{7}}}), "parameter 'path' is a string, but 7 is given; put it in quotes");
  EXPECT_EQ(error_of({{"path", path}, {"exact", std::int64_t{1}}}),
            "parameter 'exact' is a boolean (true or false), but 1 is given");
}

TEST(Params, BoundsChoicesAndRulesAreKept) {
  const ParamValue path = std::string("x");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::int64_t{203}}}),
            "parameter 'ksize' is 203, but from 1 to 201 is allowed");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::int64_t{-1}}}),
            "parameter 'ksize' is -1, but from 1 to 201 is allowed");
  EXPECT_EQ(error_of({{"path", path}, {"ksize", std::int64_t{4}}}), "parameter 'ksize' is 4, but must be odd");
  EXPECT_EQ(error_of({{"path", path}, {"sigma", -0.5}}), "parameter 'sigma' is -0.5, but at least 0 is allowed");
  EXPECT_EQ(error_of({{"path", path}, {"border", std::string("replicat")}}),
            "parameter 'border' is 'replicat', did you mean 'replicate'? Allowed: reflect101, replicate");
  EXPECT_THAT(error_of({{"path", path}, {"sigma", std::numeric_limits<double>::quiet_NaN()}}),
              HasSubstr("not a finite number"));
  EXPECT_THAT(error_of({{"path", path}, {"sigma", std::numeric_limits<double>::infinity()}}),
              HasSubstr("not a finite number"));
}

TEST(Params, GoThroughJsonUnchanged) {
  const ParamValues values = {{"a", true}, {"b", std::int64_t{-3}}, {"c", 2.0}, {"d", std::string("x\"y")}};
  const auto back = params_from_json(json::parse(params_to_json(values).dump()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, values);
}

TEST(Params, OnlyScalarsComeFromJson) {
  for (const char* text : {"[]", "3", "{\"a\":null}", "{\"a\":[1]}", "{\"a\":{}}", "{\"a\":18446744073709551615}"}) {
    EXPECT_FALSE(params_from_json(json::parse(text))) << text;
  }
}

TEST(ParamSchema, SaysWhatTheDeclarationSays) {
  const json ksize = {{"type", "integer"},
                      {"description", "Window, in pixels (must be odd)"},
                      {"default", 5},
                      {"minimum", 1},
                      {"maximum", 201}};
  const json border = {{"type", "string"},
                       {"description", "What lies outside"},
                       {"default", "reflect101"},
                       {"enum", {"reflect101", "replicate"}}};
  EXPECT_EQ(param_schema(kSpecs[0]), ksize);
  EXPECT_EQ(param_schema(kSpecs[2]), border);
  const json schema = params_schema(kSpecs);
  EXPECT_EQ(schema["required"], json::array({"path"}));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"].size(), kSpecs.size());
  EXPECT_FALSE(params_schema({}).contains("required"));
}

TEST(ParamsDeathTest, ReadingAnUndeclaredParameterIsABug) {
  EXPECT_DEATH(get_int({}, "ksize"), "no parameter 'ksize'");
  EXPECT_DEATH(get_int({{"ksize", true}}, "ksize"), "another type");
}

}  // namespace
}  // namespace ride
