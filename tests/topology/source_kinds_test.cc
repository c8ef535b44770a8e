// What holds for every kind of source that is declared: a file can say it, and its declaration is complete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "source_kinds/source_decl.h"
#include "tests/topology/test_catalog.h"
#include "topology/keys.h"
#include "topology/topology.h"

namespace ride::topology {
namespace {

ParseOutcome parse(const std::string& source) {
  return parse_topology(
      "ride: v1\nname: j\nsources: { src: { " + source + " } }\nsinks: [{ name: s, from: src, task: discard }]\n", "f",
      test_catalog(), test_environment());
}

TEST(SourceKinds, EachKeyHasADefaultThatFitsItAndAnExample) {
  for (const SourceDecl& kind : source_kinds()) {
    EXPECT_FALSE(kind.what.doc.empty() || kind.what.example.empty() || kind.codec_text.empty()) << kind.name;
    EXPECT_EQ(kind.what.name, kind.name);
    EXPECT_EQ(kind.what.type == KeyType::section, !kind.section_doc.empty()) << kind.name;
    EXPECT_EQ(kind.finite != nullptr, !kind.finite_text.empty()) << kind.name;
    std::set<std::string> params;
    for (const KeySpec& key : kind.keys) {
      const auto where = kind.name + "." + key.name;
      EXPECT_TRUE(params.insert(key.param_name()).second) << where;
      EXPECT_FALSE(key.doc.empty() || key.example.empty()) << where;
      ASSERT_TRUE(key.default_value) << where;
      const auto example = key.example.starts_with('"') ? key.example.substr(1, key.example.size() - 2) : key.example;
      const auto converted = convert(key, {example, false});
      ASSERT_TRUE(converted) << where << ": " << example;
      EXPECT_EQ(type_of(*converted), type_of(*key.default_value)) << where;
      EXPECT_TRUE(!key.sizes_frames || (key.min && key.max && key.type == KeyType::integer)) << where;
    }
  }
}

TEST(SourceKinds, AFileThatSaysNoMoreThanTheKindIsATopology) {
  for (const SourceDecl& kind : source_kinds()) {
    const auto outcome = parse(kind.name + ": " + (kind.what.type == KeyType::camera ? "0" : kind.what.example));
    ASSERT_TRUE(outcome.topology) << kind.name << ": " << render(outcome.diagnostics, "");
    const Source& source = outcome.topology->sources().at(0);
    EXPECT_EQ(source.kind, &kind);
    EXPECT_EQ(source.drop_when_late, kind.drop_when_late);
    for (const KeySpec& key : kind.keys)
      EXPECT_EQ(source.params.contains(key.param_name()), !key.only_if_given) << key.name;
  }
}

// Kinds share keys: then both mean the same.
TEST(SourceKinds, AKeyOfSeveralKindsIsTheSameInEach) {
  std::map<std::string, const KeySpec*> first;
  for (const SourceDecl& kind : source_kinds()) {
    if (section_of(kind) != nullptr) continue;
    for (const KeySpec& key : kind.keys) {
      const auto [known, added] = first.emplace(key.name, &key);
      EXPECT_TRUE(added || *known->second == key) << key.name;
    }
  }
  for (const SourceDecl& kind : source_kinds()) EXPECT_FALSE(first.contains(kind.name)) << kind.name;
}

// The producer opened no such device, and said so only once the job ran.
TEST(SourceKinds, ADevicesIndexIsWhatTheProducerTakesForOne) {
  EXPECT_TRUE(parse("camera: 123").topology);
  EXPECT_FALSE(parse("camera: 1234").topology);
}

}  // namespace
}  // namespace ride::topology
