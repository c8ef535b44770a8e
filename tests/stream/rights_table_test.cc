// The table of rights: what it says for an installation, and that docs/security.md shows it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "stream/core/rights.h"

namespace ride::stream {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

AclRule topic(const std::string& user, AclOperation operation, const std::string& name, bool prefixed = false,
              bool denied = false) {
  return {user, AclResource::topic, name, prefixed, operation, denied, ""};
}

MATCHER_P(IsRule, rule, "") {
  return arg.user == rule.user && arg.resource == rule.resource && arg.name == rule.name &&
         arg.prefixed == rule.prefixed && arg.operation == rule.operation && arg.denied == rule.denied;
}

std::vector<AclRule> of_lab(const std::vector<ForeignTopics>& topologies = {}) {
  return rights("lab", default_users("lab"), topologies);
}

TEST(RightsTable, OnlyTheMasterMayWriteDecisions) {
  const auto rules = of_lab();
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-master", AclOperation::write, "lab.decisions"))));
  for (const auto& rule : rules) {
    if (rule.denied || rule.operation != AclOperation::write || rule.resource != AclResource::topic ||
        rule.user == "lab-master")
      continue;
    const bool covers =
        rule.prefixed ? std::string("lab.decisions").starts_with(rule.name) : rule.name == "lab.decisions";
    if (covers) {
      EXPECT_THAT(rules, Contains(IsRule(topic(rule.user, AclOperation::write, "lab.decisions", false, true))))
          << rule.user;
    }
  }
}

TEST(RightsTable, NobodyHasRightsOutsideOfThePrefixUnlessATopologyNamesThem) {
  for (const auto& rule : of_lab()) {
    EXPECT_TRUE(rule.resource == AclResource::group || rule.name.starts_with("lab.")) << rule.name;
  }
  const auto rules = of_lab({{"door", {"plates"}, {}, {"found"}}, {"copy", {}, {"old"}, {}}});
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-worker", AclOperation::read, "plates"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-worker", AclOperation::write, "found"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-master", AclOperation::create, "found"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-feeder", AclOperation::write, "plates"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-feeder", AclOperation::write, "old"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-producer", AclOperation::read, "old"))));
  EXPECT_THAT(rules, Contains(IsRule(topic("lab-producer", AclOperation::remove, "lab.copy.", true))));
  EXPECT_THAT(rules, Not(Contains(IsRule(topic("lab-producer", AclOperation::remove, "lab.door.", true)))));
  EXPECT_THAT(rules, Not(Contains(IsRule(topic("lab-worker", AclOperation::write, "plates")))));
}

TEST(RightsTable, AUserOfTwoRolesIsNotDeniedWhatOneOfThemNeeds) {
  Users users{{Role::master, {"me"}}, {Role::worker, {"me"}}, {Role::operator_, {"me", "ann"}}};
  const auto rules = rights("ride", users, {});
  for (const auto& rule : rules) EXPECT_FALSE(rule.denied && rule.user == "me") << rule.name;
  EXPECT_THAT(rules, Contains(IsRule(topic("ann", AclOperation::write, "ride.decisions", false, true))));
  for (const auto& rule : rules)
    EXPECT_EQ(std::count_if(rules.begin(), rules.end(),
                            [&](const auto& other) { return testing::Value(other, IsRule(rule)); }),
              1)
        << rule.user << " " << rule.name;
}

TEST(RightsTable, LinesAreKafkasOwn) {
  const auto lines = kafka_acls_lines(of_lab(), "kafka1:9093", "admin.properties");
  EXPECT_THAT(
      lines,
      HasSubstr("kafka-acls.sh --bootstrap-server kafka1:9093 --command-config admin.properties --add --force "
                "--allow-principal User:lab-master --operation Create --operation Read --operation Delete --topic lab. "
                "--resource-pattern-type prefixed\n"));
  EXPECT_THAT(lines, HasSubstr("--deny-principal User:lab-worker --operation Write --topic lab.decisions\n"));
  for (const std::string user : {"", "a b", "a;b", "$(reboot)", "a\nb", "User:x"})
    EXPECT_FALSE(check_user(user).ok()) << user;
  EXPECT_TRUE(check_user("gate-cameras.1").ok());
}

// To accept a change: RIDE_UPDATE_GOLDEN=1, then look at the difference.
TEST(RightsTable, IsWhatDocsSecurityShows) {
  std::ifstream in(RIDE_SECURITY_PAGE);
  std::string page((std::istreambuf_iterator<char>(in)), {});
  const auto replace = [&](const std::string& begin, const std::string& end, const std::string& text) {
    const auto from = page.find(begin), start = page.find('\n', from) + 1, to = page.find(end, start);
    ASSERT_NE(from, page.npos) << begin;
    ASSERT_NE(to, page.npos) << end;
    page.replace(start, to - start, text);
  };
  const auto before = page;
  replace("<!-- rights:", "<!-- end of rights", rights_table());
  replace("<!-- lines:", "<!-- end of lines",
          "```\n" + kafka_acls_lines(rights("ride", default_users("ride"), {}), "B", "admin.properties") + "```\n");
  if (std::getenv("RIDE_UPDATE_GOLDEN"))
    std::ofstream(RIDE_SECURITY_PAGE) << page;
  else
    EXPECT_EQ(page, before) << "run this test with RIDE_UPDATE_GOLDEN=1";
}

}  // namespace
}  // namespace ride::stream
