// Which of the files that jobs brought along can go.
#include "cli/core/artifact_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::HasSubstr;

const SystemTime kNow{hours(500'000)};

void add(stream::ArtifactIndex& index, const std::string& name, char hash, SystemTime at, bool complete = true) {
  const stream::ArtifactUpload upload{{name, std::string(64, hash), 7, std::string(16, '1'), 3}, complete, at};
  const auto text = encode(upload);
  stream::Record record;
  record.key = upload_key(upload.ref);
  record.timestamp = at;
  record.value = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  index.see(record);
}

std::vector<std::string> names(const std::vector<ListedArtifact>& all) {
  std::vector<std::string> list;
  for (const auto& one : all) list.push_back(one.upload.ref.name);
  return list;
}

TEST(ArtifactList, WhatIsUsedOrWasNamedJustNowStays) {
  stream::ArtifactIndex index;
  add(index, "used.onnx", 'a', kNow - hours(1000));
  add(index, "young.onnx", 'b', kNow - minutes(59));
  add(index, "old.onnx", 'c', kNow - minutes(60));
  add(index, "broken-off.onnx", 'd', kNow - hours(2), false);
  // A use of other bytes, and of another upload of the same ones, keeps nothing.
  const nlohmann::json uses = {{"artifacts",
                                {{{"job", "street"},
                                  {"stage", "find"},
                                  {"param", "model"},
                                  {"sha256", std::string(64, 'a')},
                                  {"upload", std::string(16, '1')}},
                                 {{"job", "street"},
                                  {"stage", "find"},
                                  {"param", "labels"},
                                  {"sha256", std::string(64, 'c')},
                                  {"upload", std::string(16, '2')}}}}};
  const auto all = list_artifacts(index, uses);
  EXPECT_EQ(names(all), (std::vector<std::string>{"broken-off.onnx", "old.onnx", "used.onnx", "young.onnx"}));
  EXPECT_EQ(names(prunable(all, kNow, hours(1))), (std::vector<std::string>{"broken-off.onnx", "old.onnx"}));
  EXPECT_THAT(artifact_table(all), AllOf(HasSubstr("street/find model"), HasSubstr("its upload broke off")));
  EXPECT_EQ(to_json(all)[2]["used_by"][0], "street/find model");
}

}  // namespace
}  // namespace ride::cli
