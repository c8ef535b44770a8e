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
  metadata.given_up = {{{0, 40}, {3, Offset{1000}}}, {{7, 5}, {1, Offset{990}}}};
  EXPECT_EQ(unpack_commit_metadata(pack(metadata)).value(), metadata);
  const auto good = metadata.given_up;
  metadata.given_up[{0, 41}] = {1, Offset{-5}};
  metadata.given_up[{0, 42}] = {0, Offset{5}};
  metadata.given_up[{-1, 43}] = {1, Offset{5}};
  metadata.given_up[{0, -7}] = {1, Offset{5}};
  EXPECT_EQ(unpack_commit_metadata(pack(metadata)).value().given_up, good);
}

// An older build must not take what it does not know for something else.
TEST(CommitMetadata, OnlyWithSuchPicturesItIsOfALaterVersion) {
  CommitMetadata metadata;
  EXPECT_EQ(pack(metadata).substr(0, 1), "A") << "0000 0001: the first six bits are 0";
  const auto version = [](const CommitMetadata& one) { return pack(one).substr(0, 2); };
  const auto plain = version(metadata);
  metadata.forwarded_end = true;
  EXPECT_EQ(version(metadata), plain);
  metadata.given_up[{0, 40}] = {1, Offset{50}};
  EXPECT_NE(version(metadata), plain);
}

TEST(CommitMetadata, AsManyPicturesAsAreRememberedFitIntoKafkasDefault) {
  CommitMetadata metadata;
  for (int i = 0; i < 300; ++i)
    metadata.given_up[{i % 100, (std::int64_t{1} << 40) + (i % 2) * 1'000'000 + i}] = {
        200, Offset{i % 2 == 0 ? i : 90'000 + i}};
  forget_late_frames(metadata.given_up, Offset{0});
  EXPECT_EQ(metadata.given_up.size(), kMostLateFrames);
  EXPECT_LE(pack(metadata).size(), 2500U);
}

TEST(CommitMetadata, TheOldestOfThosePicturesAreForgotten) {
  LateFrames frames;
  for (int i = 0; i < 103; ++i) frames[{0, 1000 - i}] = {1, Offset{i}};
  EXPECT_EQ(forget_late_frames(frames, Offset{103}), 3U);
  EXPECT_FALSE(frames.contains({0, 998})) << "ended third";
  EXPECT_TRUE(frames.contains({0, 997}));
  EXPECT_EQ(forget_late_frames(frames, Offset{kLateTilesReach + 50}), 0U) << "that was long enough";
  EXPECT_EQ(frames.begin()->second.ended_at, Offset{102});
  EXPECT_EQ(frames.size(), 53U);
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
