// What a plug-in may declare, and what each wrong declaration is answered with.
#include "plugin/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::plugin {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const std::string& text) {
  const auto parsed = parse_declaration(std::string_view(text));
  return parsed.ok() ? "it was taken" : parsed.error().message;
}

std::string with(const std::string& more) { return R"({"name": "t", "doc": "d", )" + more + "}"; }
std::string with_param(const std::string& param) { return with("\"params\": [" + param + "]"); }

TEST(PluginDeclaration, AllThatABuiltInTaskDeclaresCanBeDeclared) {
  const auto parsed = parse_declaration(std::string_view(R"({
    "name": "blur_2", "doc": "Blurs.", "outputs": ["main", "rest"], "needs_order": true, "warmup_frames": 5,
    "halo": {"param": "ksize", "divide": 2, "plus": 1},
    "params": [
      {"name": "ksize", "type": "integer", "doc": "Side", "default": 5, "min": 1, "max": 201, "odd": true},
      {"name": "gain", "type": "number", "doc": "", "default": 1, "min": 0},
      {"name": "invert", "type": "boolean", "doc": "", "default": false},
      {"name": "mode", "type": "string", "doc": "", "default": "a", "choices": ["a", "b"]},
      {"name": "note", "type": "string", "doc": "required"}]})"));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->name, "blur_2");
  EXPECT_EQ(parsed->outputs, (std::vector<std::string>{"main", "rest"}));
  EXPECT_TRUE(parsed->needs_order);
  EXPECT_EQ(parsed->warmup_frames, 5);
  EXPECT_FALSE(parsed->sink);
  ASSERT_EQ(parsed->params.size(), 5U);
  EXPECT_EQ(parsed->params[0].default_value, ParamValue(std::int64_t{5}));
  EXPECT_EQ(parsed->params[1].default_value, ParamValue(1.0)) << "an integer is taken for a number";
  EXPECT_FALSE(parsed->params[4].default_value);
  ASSERT_TRUE(parsed->halo);
  EXPECT_EQ(parsed->halo({{"ksize", std::int64_t{61}}}), 31);
  const auto even = check_task_params(*parsed, {{"ksize", std::int64_t{4}}, {"note", std::string("x")}});
  ASSERT_FALSE(even.ok());
  EXPECT_THAT(even.error().message, HasSubstr("odd"));
}

TEST(PluginDeclaration, AHaloOfANumberIsRoundedUpAndAFixedOneIsTaken) {
  auto parsed = parse_declaration(std::string_view(with(R"("halo": {"param": "sigma", "times": 3},
              "params": [{"name": "sigma", "type": "number", "doc": "", "min": 0, "max": 100, "default": 1}])")));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->halo({{"sigma", 1.1}}), 4);
  parsed = parse_declaration(std::string_view(with(R"("halo": 7)")));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->halo({}), 7);
  parsed = parse_declaration(std::string_view(with(R"("params": [])")));
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->halo) << "not splittable";
}

TEST(PluginDeclaration, WhatIsNoDeclarationIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "no JSON"},
      {"{", "no JSON"},
      {"[]", "no JSON object"},
      {"7", "no JSON object"},
      {std::string(300 << 10, ' '), "are the most"},
      {R"({"doc": "d"})", "'name' is missing"},
      {R"({"name": 7, "doc": "d"})", "number is no name"},
      {R"({"name": "", "doc": "d"})", "'' is no name"},
      {R"({"name": "Vignette", "doc": "d"})", "'Vignette' is no name"},
      {R"({"name": "../x", "doc": "d"})", "'../x' is no name"},
      {R"({"name": "a\u0000b", "doc": "d"})", "is no name"},
      {"{\"name\": \"" + std::string(65, 'a') + "\", \"doc\": \"d\"}", "64 at the most"},
      {R"({"name": "t"})", "task 't': 'doc' is missing"},
      {R"({"name": "t", "doc": ""})", "'doc' is empty"},
      {R"({"name": "t", "doc": "\u001b[2J"})", "cannot be printed"},
      {R"({"name": "t", "doc": ["d"]})", "a text is expected"},
      {with(R"("sink": true)"), "task 't': 'sink' is no key of it"},
      {with(R"("paramz": [])"), "did you mean 'params'?"},
      {with(R"("outputs": [])"), "plug-ins cannot be sinks"},
      {with(R"("outputs": "out")"), "must be a list"},
      {with(R"("outputs": ["a", "a"])"), "two outputs are named 'a'"},
      {with(R"("outputs": ["a.b"])"), "'a.b' is no name"},
      {with(R"("needs_order": 1)"), "must be true or false"},
      {with(R"("warmup_frames": -1)"), "from 0 to 10000"},
      {with(R"("warmup_frames": 1.5)"), "from 0 to 10000"},
      {with(R"("warmup_frames": 18446744073709551615)"), "from 0 to 10000"},
      {with(R"("halo": -1)"), "from 0 to 100000"},
      {with(R"("halo": 1e99)"), "from 0 to 100000"},
      {with(R"("halo": {"param": "none"})"), "halo: 'none' must be an integer or number of the task"},
      {with(R"("halo": {"param": "k"}, "params": [{"name": "k", "type": "integer", "doc": ""}])"), "and a max"},
      {with(R"("halo": {"param": "k", "times": 1000},
               "params": [{"name": "k", "type": "integer", "doc": "", "min": 0, "max": 1e15}])"),
       "would be above 100000"},
      {with(R"("halo": {"param": "k", "divide": 0})"), "'divide' must be an integer from 1"},
      {with(R"("params": {})"), "must be a list"},
      {with_param("7"), "an object is expected"},
      {with_param(R"({"type": "integer", "doc": ""})"), "'name' is missing"},
      {with_param(R"({"name": "p", "doc": ""})"), "parameter 'p': 'type' is missing"},
      {with_param(R"({"name": "p", "type": "int", "doc": ""})"), "'int' is no type"},
      {with_param(R"({"name": "p", "type": "integer"})"), "'doc' is missing"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "min": 5, "max": 4})"), "'min' is above 'max'"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "min": 0.5})"), "of an integer must be one"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "max": 1e300})"), "of an integer must be one"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "max": 1e999})"), "no JSON"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "default": 18446744073709551615})"), "too large"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "default": 5, "max": 4})"), "its own default"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "default": 4, "odd": true})"), "its own default"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "default": [1]})"), "'default' must be"},
      {with_param(R"({"name": "p", "type": "integer", "doc": "", "default": null})"), "'default' must be"},
      {with_param(R"({"name": "p", "type": "boolean", "doc": "", "min": 0})"), "'min' is of numbers"},
      {with_param(R"({"name": "p", "type": "string", "doc": "", "odd": true})"), "'odd' is of integers"},
      {with_param(R"({"name": "p", "type": "string", "doc": "", "choices": []})"), "'choices' must be"},
      {with_param(R"({"name": "p", "type": "string", "doc": "", "choices": [1]})"), "a text is expected"},
      {with_param(R"({"name": "p", "type": "string", "doc": "", "choices": ["a"], "default": "b"})"),
       "its own default"},
      {with_param(R"({"name": "p", "type": "integer", "doc": ""}, {"name": "p", "type": "integer", "doc": ""})"),
       "two parameters are named 'p'"}};
  for (const auto& [text, why] : wrong) EXPECT_THAT(refusal_of(text), HasSubstr(why)) << text.substr(0, 300);
}

TEST(PluginDeclaration, DeepAndManyAreNoTrouble) {
  EXPECT_THAT(refusal_of(std::string(100'000, '[')), HasSubstr("no JSON"));
  const std::string deep = std::string(50'000, '[') + std::string(50'000, ']');
  EXPECT_THAT(refusal_of(with("\"params\": " + deep)), HasSubstr("an object is expected"));
  std::string many;
  for (int i = 0; i < 65; ++i)
    many +=
        (i > 0 ? ", " : "") + std::string(R"({"name": "p)") + std::to_string(i) + R"(", "type": "boolean", "doc": ""})";
  EXPECT_THAT(refusal_of(with_param(many)), HasSubstr("at most 64"));
}

}  // namespace
}  // namespace ride::plugin
