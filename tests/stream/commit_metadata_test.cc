#include "stream/core/commit_metadata.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace ride::stream {
namespace {

CommitMetadata sample() {
  CommitMetadata metadata;
  metadata.watermarks.raise({"blur", PartitionId{0}}, {1234567, 0});
  metadata.watermarks.raise({"blur", PartitionId{11}}, {42, 1});
  metadata.watermarks.raise({"gate", PartitionId{0}}, {3, 99});
  metadata.finished[{"gate", PartitionId{0}}] = {{3, 104}, {3, 120}};
  metadata.ended = {{"blur", PartitionId{2}}};
  metadata.forwarded_end = true;
  metadata.counters = {.acked = 100000, .filtered = 1, .dropped = 2, .dead = 3, .expired = 4, .duplicates = 5};
  return metadata;
}

TEST(CommitMetadata, IsReadBackAsItWasPacked) { EXPECT_EQ(unpack_commit_metadata(pack(sample())).value(), sample()); }

TEST(CommitMetadata, TheFirstCommitIsEmpty) { EXPECT_EQ(unpack_commit_metadata("").value(), CommitMetadata{}); }

TEST(CommitMetadata, WhatAnotherClientWroteIsRefused) {
  EXPECT_EQ(unpack_commit_metadata("{\"who\":\"me\"}").error().code, ErrorCode::corrupt);
  EXPECT_FALSE(unpack_commit_metadata("////").ok());
  EXPECT_FALSE(unpack_commit_metadata("AQ").ok());
}

TEST(CommitMetadata, DamageNeverCrashesTheReader) {
  std::mt19937 random(7);
  const auto good = pack(sample());
  for (int i = 0; i < 20000; ++i) {
    auto text = good;
    for (int k = 0; k < 3; ++k) text[random() % text.size()] = "ABab09-_"[random() % 8];
    text.resize(random() % (text.size() + 1));
    (void)unpack_commit_metadata(text).ok();  // any answer, no crash
  }
}

// Whoever wrote an origin chose its numbers (found by tests/fuzz; UBSan stops here where differences overflow).
TEST(CommitMetadata, KeepsTheLargestAndSmallestOrigins) {
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min(),
                 kHighest = std::numeric_limits<std::int64_t>::max();
  CommitMetadata metadata;
  metadata.finished[{"gate", PartitionId{0}}] = {{kLowest, kHighest}, {-1, 0}, {kHighest, kLowest}};
  EXPECT_EQ(unpack_commit_metadata(pack(metadata)).value(), metadata);
}

TEST(CommitMetadata, KeepsWhichPicturesAMergeGaveUpAndLeavesOutWhatCannotBe) {
  CommitMetadata metadata;
  metadata.warm_from = Offset{7};
  metadata.given_up = {{{"gate", SessionId{2}, 40}, {3, Offset{1000}}}, {{"yard", SessionId{1}, 5}, {1, Offset{990}}}};
  EXPECT_EQ(unpack_commit_metadata(pack(metadata)).value(), metadata);
  const auto good = metadata.given_up;
  metadata.given_up[{"gate", SessionId{2}, 41}] = {1, Offset{-5}};
  metadata.given_up[{"gate", SessionId{2}, 42}] = {0, Offset{5}};
  EXPECT_EQ(unpack_commit_metadata(pack(metadata)).value().given_up, good);
}

TEST(CommitMetadata, HundredsOfPicturesThatAMergeGaveUpFitIntoKafkasDefault) {
  CommitMetadata metadata;
  for (int i = 0; i < 500; ++i) metadata.given_up[{"gate", SessionId{1}, 3 * i}] = {1, Offset{5000 + 7 * i}};
  EXPECT_LE(pack(metadata).size(), 4096U);
}

TEST(CommitMetadata, StaysBelowTheBoundThatIsCheckedAtSubmit) {
  std::vector<UpstreamSpec> upstreams = {{"a-rather-long-stage-name", 64, false}, {"camera", 1, true}};
  CommitMetadata metadata;
  for (int p = 0; p < 64; ++p)
    metadata.watermarks.raise({"a-rather-long-stage-name", PartitionId{p}}, {std::int64_t{1} << 50, 1});
  metadata.watermarks.raise({"camera", PartitionId{0}}, {1 << 30, std::int64_t{1} << 60});
  for (int p = 0; p < 64; ++p) metadata.ended.insert({"a-rather-long-stage-name", PartitionId{p}});
  metadata.counters = {.acked = std::int64_t{1} << 60, .duplicates = std::int64_t{1} << 60};
  const auto size = static_cast<std::int64_t>(pack(metadata).size());
  EXPECT_LE(size, max_packed_bytes(upstreams));
  EXPECT_LE(size, 4096) << "64 upstream partitions fit into Kafka's default";
}

}  // namespace
}  // namespace ride::stream
