// Files in the topic of artifacts: what comes back is what was shipped, whoever else writes there.
#include "stream/core/artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/sha256.h"
#include "stream/artifact_log.h"
#include "stream/memory/memory_log.h"

namespace ride::stream {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kTopic = "ride.artifacts";

std::string bytes_of(std::size_t size, unsigned seed) {
  std::minstd_rand draw(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(draw());
  return bytes;
}

ArtifactRef ref_of(const std::string& bytes, const std::string& upload = "0123456789abcdef") {
  return {.name = "weights.onnx",
          .sha256 = sha256_hex(bytes),
          .size = static_cast<std::int64_t>(bytes.size()),
          .upload = upload,
          .offset = 0};
}

class ArtifactLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log->admin()->create({kTopic, kArtifactPartitions, 1, {}}).ok()); }

  static ReadAt reading(const std::string& bytes) {
    return [&bytes](std::int64_t at, std::size_t size) -> Result<std::shared_ptr<const std::string>> {
      return std::make_shared<const std::string>(bytes.substr(static_cast<std::size_t>(at), size));
    };
  }
  Result<ArtifactRef> upload(const std::string& bytes, const ArtifactRef& ref) {
    const auto writer = log->writer();
    return upload_artifact(*writer, kTopic, ref, reading(bytes), never);
  }
  // What the downloads wrote, in a file of the reference's size; writes behind its end fail the test.
  Result<std::string> download(const ArtifactRef& ref) {
    std::string file(static_cast<std::size_t>(ref.size), '\0');
    const auto reader = log->reader();
    const auto admin = log->admin();
    const auto write = [&](std::int64_t at, std::span<const std::uint8_t> part) -> Result<void> {
      EXPECT_GE(at, 0);
      EXPECT_LE(at + static_cast<std::int64_t>(part.size()), ref.size);
      std::copy(part.begin(), part.end(), file.begin() + at);
      return {};
    };
    const auto done = download_artifact(*reader, *admin, kTopic, ref, write, never);
    if (!done.ok()) return done.error();
    return file;
  }
  ArtifactIndex index() {
    const auto reader = log->reader();
    const auto admin = log->admin();
    return read_artifact_index(*reader, *admin, kTopic, never).value();
  }
  static std::vector<ArtifactRef> found(const ArtifactIndex& index, const std::string& sha256) {
    std::vector<ArtifactRef> refs;
    for (const auto* upload : index.find(sha256)) refs.push_back(upload->ref);
    return refs;
  }
  void write(int partition, const std::string& key, const std::string& value) {
    const auto writer = log->writer();
    const auto text = std::make_shared<std::string>(value);
    OutRecord record;
    record.key = key;
    record.value = {reinterpret_cast<const std::uint8_t*>(text->data()), text->size()};
    record.owner = text;
    ASSERT_TRUE(writer->send({kTopic, PartitionId{partition}}, record, [](const auto&) {}).ok());
    ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  }

  const Stopped never = [] { return false; };
  const std::shared_ptr<MemoryLog> log = MemoryLog::make();
};

TEST_F(ArtifactLogTest, AFileComesBackAsItWasShippedWhateverItsSize) {
  const auto chunk = static_cast<std::size_t>(kArtifactChunkBytes);
  unsigned seed = 1;
  for (const std::size_t size : {std::size_t{1}, chunk - 1, chunk, chunk + 1, 3 * chunk + 77}) {
    const auto bytes = bytes_of(size, seed++);
    const auto shipped = upload(bytes, ref_of(bytes));
    ASSERT_TRUE(shipped.ok()) << shipped.error().message;
    EXPECT_EQ(download(*shipped).value(), bytes) << size;
    const auto known = index();
    EXPECT_EQ(found(known, shipped->sha256), std::vector{*shipped});
  }
}

TEST_F(ArtifactLogTest, TwoWhoShipAtOnceDoNotDisturbEachOther) {
  const auto size = static_cast<std::size_t>(2 * kArtifactChunkBytes + 5);
  const auto mine = bytes_of(size, 1), other = bytes_of(size, 2);
  const auto first = ref_of(mine, "000000000000000a"), same = ref_of(mine, "000000000000000b");
  const auto third = ref_of(other, "000000000000000c");
  // One begins within the other, chunk by chunk.
  std::optional<ArtifactRef> inner, innermost;
  const auto read_and_ship = [&](std::int64_t at, std::size_t bytes) -> Result<std::shared_ptr<const std::string>> {
    if (at == 0) inner = upload(mine, same).value();
    if (at > kArtifactChunkBytes) innermost = upload(other, third).value();
    return std::make_shared<const std::string>(mine.substr(static_cast<std::size_t>(at), bytes));
  };
  const auto writer = log->writer();
  const auto outer = upload_artifact(*writer, kTopic, first, read_and_ship, never);
  ASSERT_TRUE(outer.ok()) << outer.error().message;
  EXPECT_EQ(download(*outer).value(), mine);
  EXPECT_EQ(download(*inner).value(), mine);
  EXPECT_EQ(download(*innermost).value(), other);
  EXPECT_EQ(index().uploads().size(), 3U);
}

TEST_F(ArtifactLogTest, WhatIsNotWholeIsNotInTheIndexAndCannotBeHad) {
  const auto bytes = bytes_of(static_cast<std::size_t>(2 * kArtifactChunkBytes), 3);
  const auto ref = ref_of(bytes);
  const auto writer = log->writer();
  const auto broken = upload_artifact(
      *writer, kTopic, ref,
      [&](std::int64_t at, std::size_t size) -> Result<std::shared_ptr<const std::string>> {
        if (at > 0) return Error{ErrorCode::permission, "the disk is broken"};
        return std::make_shared<const std::string>(bytes.substr(0, size));
      },
      never);
  EXPECT_EQ(broken.error().message, "the disk is broken");
  EXPECT_TRUE(index().find(ref.sha256).empty());
  ASSERT_EQ(index().uploads().size(), 1U) << "that it was begun is known, so that it can be removed";
  const auto got = download(ref);
  EXPECT_EQ(got.error().code, ErrorCode::not_found);
  EXPECT_FALSE(got.error().retriable);
  EXPECT_THAT(got.error().message, HasSubstr("1 of its 2 chunks are missing"));
}

TEST_F(ArtifactLogTest, AFileThatChangesWhileItIsReadIsNotShipped) {
  const auto bytes = bytes_of(1000, 4);
  auto ref = ref_of(bytes);
  const auto changed = upload(bytes_of(1000, 5), ref);
  EXPECT_EQ(changed.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(changed.error().message, HasSubstr("changed while it was read"));
  EXPECT_TRUE(index().find(ref.sha256).empty());
}

TEST_F(ArtifactLogTest, RecordsOfStrangersAreNeitherTakenNorWritten) {
  const auto bytes = bytes_of(static_cast<std::size_t>(kArtifactChunkBytes + 10), 6);
  const auto ref = ref_of(bytes);
  const std::string whole(static_cast<std::size_t>(kArtifactChunkBytes), 'x');
  for (const char* number : {"-1", "2", "18446744073709551616", "01", " 0", "0 ", "", "1/0", "2147483648"})
    write(1, upload_key(ref) + "/" + number, whole);
  write(1, chunk_key(ref, 0), whole + "x");  // too long
  write(1, chunk_key(ref, 1), whole);        // longer than the last
  write(1, chunk_key(ref, 0), "");           // a deletion
  write(1, "", whole);
  write(1, ref.sha256 + "/fedcba9876543210/0", whole);  // of another upload
  const auto shipped = upload(bytes, ref).value();
  write(1, chunk_key(ref, 0), whole);  // later ones change nothing
  auto from_begin = shipped;
  from_begin.offset = 0;
  EXPECT_EQ(download(from_begin).value(), bytes);
  EXPECT_EQ(download(shipped).value(), bytes);
}

TEST_F(ArtifactLogTest, AnIndexTakesNoRecordWithAFault) {
  const auto bytes = bytes_of(100, 7);
  const auto good = upload(bytes, ref_of(bytes)).value();
  const auto forged = [&](auto change) {
    ArtifactUpload upload{ref_of(bytes, "00000000000000ff"), true, {}};
    change(upload.ref);
    write(0, upload_key(upload.ref), encode(upload));
  };
  forged([](ArtifactRef& ref) { ref.size = kMostArtifactBytes + 1; });
  forged([](ArtifactRef& ref) { ref.size = 0; });
  forged([](ArtifactRef& ref) { ref.offset = -1; });
  forged([](ArtifactRef& ref) { ref.name = "../../etc/passwd"; });
  forged([](ArtifactRef& ref) { ref.name = ""; });
  forged([](ArtifactRef& ref) { ref.name = std::string(kMostArtifactName + 1, 'a'); });
  forged([](ArtifactRef& ref) { ref.sha256 = std::string(64, 'g'); });
  forged([](ArtifactRef& ref) { ref.upload = "../0123456789abc"; });
  const std::string key = upload_key(ref_of(bytes, "00000000000000ee"));
  write(0, key, encode({ref_of(bytes, "00000000000000dd"), true, {}}));  // another's key
  write(0, key, "[[[[");
  write(0, key, R"({"name":7})");
  write(0, key, std::string(100'000, ' '));
  const auto known = index();
  EXPECT_EQ(known.refused(), 12);
  ASSERT_EQ(known.uploads().size(), 1U);
  EXPECT_EQ(found(known, good.sha256), std::vector{good});
  EXPECT_THAT(refusals_text(known, kTopic), AllOf(HasSubstr("12 of the records in the index of ride.artifacts"),
                                                  HasSubstr("offset 2: an artifact has 4294967297 bytes")));
}

TEST_F(ArtifactLogTest, TheLatestCompleteUploadIsTakenAndARemovedOneIsGone) {
  const auto bytes = bytes_of(100, 8);
  const auto first = upload(bytes, ref_of(bytes, "00000000000000bb")).value();
  const auto second = upload(bytes, ref_of(bytes, "00000000000000aa")).value();
  EXPECT_EQ(found(index(), first.sha256), (std::vector{second, first}));
  const auto writer = log->writer();
  ASSERT_TRUE(remove_artifact(*writer, kTopic, second, never).ok());
  EXPECT_EQ(found(index(), first.sha256), std::vector{first});
  ASSERT_TRUE(remove_artifact(*writer, kTopic, first, never).ok());
  EXPECT_TRUE(index().find(first.sha256).empty());
  EXPECT_TRUE(index().uploads().empty());
}

TEST_F(ArtifactLogTest, WhoIsStoppedStops) {
  const auto bytes = bytes_of(100, 9);
  const auto ref = upload(bytes, ref_of(bytes)).value();
  const auto reader = log->reader();
  const auto admin = log->admin();
  const auto stopped = download_artifact(
      *reader, *admin, kTopic, ref, [](auto, auto) -> Result<void> { return {}; }, [] { return true; });
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(ArtifactsTopic, SettingsThatWouldLoseOrRefuseFilesAreNamedWithWhatToDo) {
  using Settings = std::map<std::string, std::string>;
  const auto fault = [](int partitions, const Settings& settings) {
    return find_topic_fault(kTopic, partitions, settings).value_or("");
  };
  EXPECT_EQ(fault(2, {{"cleanup.policy", "compact"}, {"max.message.bytes", "1048588"}, {"retention.ms", "1"}}), "");
  EXPECT_EQ(fault(2, {}), "") << "what is not known is no fault";
  EXPECT_THAT(fault(1, {}), AllOf(HasSubstr("has 1 partitions"), HasSubstr("Delete it")));
  for (const char* policy : {"delete", "compact,delete", "delete,compact"})
    EXPECT_THAT(
        fault(2, {{"cleanup.policy", policy}}),
        AllOf(HasSubstr(policy), HasSubstr("--entity-name ride.artifacts --add-config cleanup.policy=compact")));
  EXPECT_THAT(fault(2, {{"cleanup.policy", "delete"}, {"max.message.bytes", "100000"}}),
              AllOf(HasSubstr("a chunk of a file needs 528384"),
                    HasSubstr("--add-config cleanup.policy=compact,max.message.bytes=1048576")));
  EXPECT_EQ(fault(2, {{"max.message.bytes", "many"}}), "");
  EXPECT_EQ(fault(2, {{"message.timestamp.type", "LogAppendTime"}}), "");
  EXPECT_THAT(fault(2, {{"message.timestamp.type", "CreateTime"}}),
              AllOf(HasSubstr("the clocks of those who submit"), HasSubstr("message.timestamp.type=LogAppendTime")));
}

TEST(ArtifactName, IsPlainAndKeepsItsEnding) {
  EXPECT_EQ(artifact_name("yolov4-tiny.weights"), "yolov4-tiny.weights");
  EXPECT_EQ(artifact_name("mein Netz (2).onnx"), "mein_Netz__2_.onnx");
  EXPECT_EQ(artifact_name(".hidden"), "_hidden");
  EXPECT_EQ(artifact_name(std::string(300, 'a') + ".onnx"), std::string(95, 'a') + ".onnx");
  const std::string bytes = "abc";
  for (const std::string name : {"", "ä", "..", "a/b", "a\nb", "$(x)"}) {
    auto ref = ref_of(bytes);
    ref.name = artifact_name(name);
    EXPECT_EQ(find_fault(ref), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace ride::stream
