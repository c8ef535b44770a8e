#include "cli/core/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/core/host_port.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;

SettingsFile file_with(const std::string& text) {
  auto file = parse_settings_file("ride.conf", text);
  EXPECT_TRUE(file.ok()) << file.error().message;
  return file.ok() ? *file : SettingsFile{};
}

TEST(Settings, FlagWinsOverEnvironmentOverFileOverDefault) {
  const auto file = file_with("brokers = file:1\nprefix = from-file\nslots = 3\n");
  const auto environment = environment_of({{"RIDE_BROKERS", "environment:1"}, {"RIDE_PREFIX", "from-environment"}});
  const auto settings = resolve_settings({{"brokers", "flag:1"}}, environment, file);
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->text("brokers"), "flag:1");
  EXPECT_EQ(settings->at("brokers").origin, Origin::flag);
  EXPECT_EQ(settings->text("prefix"), "from-environment");
  EXPECT_EQ(settings->at("prefix").place, "RIDE_PREFIX");
  EXPECT_EQ(settings->integer("slots"), 3);
  EXPECT_EQ(settings->at("slots").place, "ride.conf:3");
  EXPECT_EQ(settings->text("state"), ".ride");
  EXPECT_TRUE(settings->is_default("state"));
}

TEST(Settings, AnEmptyVariableCountsAsNotSet) {
  const auto settings = resolve_settings({}, environment_of({{"RIDE_BROKERS", ""}}), {});
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(settings->is_default("brokers"));
}

TEST(Settings, ABadValueNamesThePlaceThatItCameFrom) {
  const auto from_file = resolve_settings({}, environment_of({}), file_with("\n\nslots = many\n"));
  ASSERT_FALSE(from_file.ok());
  EXPECT_EQ(from_file.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(from_file.error().message, HasSubstr("ride.conf:3: 'slots' is 'many', but an integer is needed"));
  const auto from_flag = resolve_settings({{"broker-port", "70000"}}, environment_of({}), {});
  ASSERT_FALSE(from_flag.ok());
  EXPECT_THAT(from_flag.error().message,
              HasSubstr("--broker-port: parameter 'broker-port' is 70000, but from 0 to 65535"));
}

TEST(Settings, WhenAMasterDeclaresLossesIsOneOfThem) {
  const auto file = file_with("loss-ticks = 8\ntick-interval = 50ms\n");
  const auto settings = resolve_settings({}, environment_of({{"RIDE_LOSS_TICKS", "100"}}), file);
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->integer("loss-ticks"), 100);
  EXPECT_EQ(settings->text("tick-interval"), "50ms");
  for (const char* wrong : {"1", "1001", "few"})
    EXPECT_FALSE(resolve_settings({{"loss-ticks", wrong}}, environment_of({}), {}).ok()) << wrong;
  for (const char* wrong : {"100", "9ms", "61s", ""}) {
    const auto refused = resolve_settings({{"tick-interval", wrong}}, environment_of({}), {});
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("--tick-interval: "));
  }
}

TEST(HttpAddress, IsHostAndPortAndElseNamesThePlaceThatHasIt) {
  const auto address = http_address(*resolve_settings({{"http", "0.0.0.0:0"}}, environment_of({}), {}));
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "0.0.0.0");
  EXPECT_EQ(address->port, 0);
  for (const char* wrong : {"abc", ":7800", "host:", "host:x", "host:65536", "host:123456", "7800"}) {
    const auto refused = http_address(*resolve_settings({}, environment_of({{"RIDE_HTTP", wrong}}), {}));
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().message,
                HasSubstr(std::string("RIDE_HTTP: 'http' is '") + wrong + "', but HOST:PORT is needed"));
  }
  const auto from_file = resolve_settings({}, environment_of({}), file_with("http = host:1\n"));
  EXPECT_EQ(where_and_what(*from_file, "http"), "ride.conf:1 (host:1)");
}

TEST(SettingsFile, TakesCommentsBlanksAndQuotes) {
  const auto file = file_with("# mine\r\n  state =  \"/var/lib/my ride\"  \r\n\nprefix='x'\n");
  EXPECT_EQ(file.values.at("state").value, "/var/lib/my ride");
  EXPECT_EQ(file.values.at("prefix").value, "x");
  EXPECT_EQ(file.values.at("prefix").line, 4);
}

TEST(SettingsFile, RefusesWhatIsNoOptionWithASuggestion) {
  const auto unknown = parse_settings_file("ride.conf", "broker = x\n");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("ride.conf:1: unknown option 'broker', did you mean 'brokers'?"));
  const auto no_value = parse_settings_file("ride.conf", "brokers\n");
  ASSERT_FALSE(no_value.ok());
  EXPECT_THAT(no_value.error().message, HasSubstr("a line is 'name = value'"));
  const auto twice = parse_settings_file("ride.conf", "slots = 1\nslots = 2\n");
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(twice.error().message, HasSubstr("'slots' is already set in line 1"));
}

TEST(Settings, EveryOneHasADefaultAndAMeaning) {
  for (const auto& spec : setting_specs()) {
    ASSERT_TRUE(spec.default_value.has_value()) << spec.name;
    EXPECT_TRUE(check_param(spec, *spec.default_value).ok()) << spec.name;
    EXPECT_GT(spec.doc.size(), 10U) << spec.name;
  }
}

TEST(Settings, VariablesAreNamedAfterTheOption) {
  EXPECT_EQ(variable_of("max-message-bytes"), "RIDE_MAX_MESSAGE_BYTES");
}

}  // namespace
}  // namespace ride::cli
