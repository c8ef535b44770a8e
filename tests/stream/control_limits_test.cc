// Records of the control topics that somebody made up: each is refused as a whole, in words, and costs little.
#include "stream/core/control_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "common/json.h"
#include "stream/core/decisions_filter.h"

namespace ride::stream {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const JobName kJob{"street"};
const RunNumber kRun{3};
const StageName kStage{"blur"};

JobSpec job() {
  JobSpec spec{.job = kJob, .run = kRun};
  spec.sources.push_back({.name = "gate", .kind = "camera", .fps = 30, .outputs = {{.to = "blur", .topic = "t"}}});
  StageSpec stage{.name = "blur", .topic = "t", .partitions = 4, .upstreams = {{.name = "gate", .is_source = true}}};
  stage.group.cores = 2;
  stage.group.labels = {{"zone", "a"}};
  stage.params = {{"ksize", std::int64_t{3}}};
  stage.artifacts["model"] = {"net.onnx", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
  spec.stages.push_back(stage);
  return spec;
}

Snapshot snapshot() {
  Snapshot all{.claim = {4, "m", ""}, .runs = {{"street", 3}}, .sessions = {{"street", {{"gate", 2}}}}, .accepted = 1};
  Snapshot::Job one{.spec = job(), .order = 1, .ends = {{"count", {Offset{7}}}}};
  one.stages.push_back({.name = kStage, .epoch = {7}, .partitions = {{WorkerId{"w#1"}, {}, {7}}}, .workers = 2});
  one.stages[0].strikes.push_back(
      {.job = kJob, .run = kRun, .stage = kStage, .partition = {1}, .offset = {5}, .count = 1});
  one.sources.push_back({"gate", WorkerId{"p#1"}, {}, {2}, {2}});
  one.next.push_back({job(), "", "", {}});
  all.jobs.push_back(one);
  return all;
}

std::vector<std::string> records() {
  Heartbeat beat{.id = WorkerId{"w#1"}, .cores = 1, .children = {WorkerId{"w-w1#1"}}};
  beat.partitions.push_back({.job = kJob, .run = kRun, .stage = kStage, .partition = {3}, .counters = {.acked = 5}});
  beat.sources.push_back({.job = kJob, .run = kRun, .source = "gate", .fps = 29.9});
  std::vector<std::string> all;
  for (const DecisionBody& body : std::vector<DecisionBody>{
           Claim{4, "m", ""}, JobAccepted{job(), "ride: v1\n", {}},
           JobPhaseChanged{kJob, kRun, JobPhase::draining, "", {}, {{"count", {Offset{7}}}}, {20, 19}},
           Assign{kJob, kRun, kStage, WorkerId{"w#1"}, Epoch{9}, {PartitionId{0}}, "", {}},
           Releasing{kJob, kRun, kStage, WorkerId{"w#1"}, {PartitionId{1}}, {}, ""},
           AssignSource{kJob, kRun, "gate", WorkerId{"p#1"}, SessionId{2}, Epoch{1}, "", {}},
           JoinGroup{WorkerId{"w#1"}, kJob, kRun, kStage, true, ""}, WorkerOut{WorkerId{"w#1"}, "", true, {}},
           SnapshotPart{"4-1", 1, 3, "{"},
           Strike{kJob, kRun, kStage, PartitionId{1}, Offset{17}, "f", WorkerId{"w#1"}, "signal 11", 2, true, {}},
           Scale{kJob, kRun, kStage, 4, true, "", {}}, JobChanged{job(), "", "", {}}, JobQueued{job(), "", "", {}}})
    all.push_back(encode(Decision{"log", 4, "m", body}));
  for (const ReportBody& body : std::vector<ReportBody>{
           Tick{1, "m", 7}, beat, ChildExit{.signal = 9, .frames = {{kJob, kRun, kStage, {1}, {17}, "f"}}},
           Goodbye{WorkerId{"w#1"}, ""}, Released{.worker = WorkerId{"w#1"}, .partitions = {{1}}}, Notice{.code = "x"}})
    all.push_back(encode(Report{"log", body}));
  return all;
}

// The record, or the snapshot in it, as it is read; nothing: refused.
std::optional<json> read(const json& record) {
  const auto text = record.dump();
  if (record.contains("version") && record["version"].is_number()) {
    SnapshotAssembler assembler;
    auto whole = assembler.add({"s", 1, 1, text});
    if (!whole.ok()) return std::nullopt;
    std::string back;
    for (const auto& part : cut(**whole, "s")) back += part.text;
    return json::parse(back);
  }
  if (auto decision = decode_decision(text); decision.ok()) return json::parse(encode(*decision));
  if (auto report = decode_report(text); report.ok()) return json::parse(encode(*report));
  return std::nullopt;
}

std::vector<json::json_pointer> numbers_in(const json& record) {
  std::vector<json::json_pointer> found;
  const auto flat = record.flatten();
  for (const auto& [path, value] : flat.items())
    if (value.is_number()) found.emplace_back(path);
  return found;
}

// What a record says is what is read, or nothing is: no number is cut to its type, none is converted that has no value.
TEST(ControlLimits, AHostileNumberUnderAnyKeyOfAnyRecordIsRefusedOrReadAsItStands) {
  const std::vector<json> hostile = {
      1e300, -1e300, 0.5, 4294967297, -4294967295, INT64_MAX, INT64_MIN, UINT64_MAX, (std::int64_t{1} << 53) + 1};
  auto texts = records();
  std::string whole;
  for (const auto& part : cut(snapshot(), "s")) whole += part.text;
  texts.push_back(whole);
  int tried = 0;
  for (const auto& text : texts) {
    const auto honest = json::parse(text);
    ASSERT_TRUE(read(honest)) << text << decode_decision(text).ok();
    for (const auto& place : numbers_in(honest)) {
      for (const auto& number : hostile) {
        auto forged = honest;
        forged[place] = number;
        const auto back = read(forged);
        ++tried;
        if (back) {
          EXPECT_EQ((*back)[place], number) << place.to_string() << " of " << honest.value("type", "snapshot");
        }
        if (number == json(1e300) || number == json(UINT64_MAX) || number == json(INT64_MIN)) {
          EXPECT_TRUE(!back || place.to_string().find("params") != std::string::npos) << place.to_string();
        }
      }
    }
  }
  EXPECT_GT(tried, 500);
}

std::string why_not(const DecisionBody& body, std::int64_t epoch = 4) {
  const auto decoded = decode_decision(encode(Decision{"log", epoch, "m", body}));
  return decoded.ok() ? "it is read" : decoded.error().message;
}

TEST(ControlLimits, AJobWithAMalformedArtifactIsRefused) {
  const auto with = [](auto change) {
    auto spec = job();
    change(spec.stages[0].artifacts);
    return why_not(JobAccepted{spec, "", {}});
  };
  EXPECT_EQ(with([](auto&) {}), "it is read");
  EXPECT_THAT(with([](auto& all) { all["model"].name = "a/b"; }), HasSubstr("an artifact's name"));
  EXPECT_THAT(with([](auto& all) { all["model"].sha256 = "abc"; }), HasSubstr("sha256"));
  EXPECT_THAT(with([](auto& all) { all["model"].sha256[0] = 'A'; }), HasSubstr("sha256"));
  EXPECT_THAT(with([](auto& all) { all["model"].upload = "x"; }), HasSubstr("upload"));
  EXPECT_THAT(with([](auto& all) { all["model"].size = 0; }), HasSubstr("has 0 bytes"));
  EXPECT_THAT(with([](auto& all) { all["model"].size = std::int64_t{1} << 40; }), HasSubstr("bytes; it may have"));
  EXPECT_THAT(with([](auto& all) { all["model"].offset = -1; }), HasSubstr("offset"));
  EXPECT_THAT(with([](auto& all) {
                for (int i = 0; i < 100; ++i) all["p" + std::to_string(i)] = all["model"];
              }),
              HasSubstr("101 artifacts"));
}

TEST(ControlLimits, DecisionsThatNobodyHonestWritesAreRefusedInWords) {
  auto huge = job();
  huge.stages[0].partitions = 2'000'000'000;
  EXPECT_THAT(why_not(JobAccepted{huge, "", {}}), HasSubstr("partitions is 2000000000; it may be from 1 to 16384"));
  auto many = job();
  for (int i = 0; i < 10; ++i) many.stages.push_back({.name = fmt::format("s{}", i), .partitions = 16'000});
  EXPECT_THAT(why_not(JobAccepted{many, "", {}}), HasSubstr("the partitions of all stages"));
  auto twice = job();
  twice.stages.push_back({.name = "blur"});
  EXPECT_THAT(why_not(JobAccepted{twice, "", {}}), HasSubstr("two stages are named 'blur'"));
  for (const auto* name : {"", "..", "a/b", "a b", "\x1b[2J"}) {
    auto odd = job();
    odd.stages[0].name = name;
    EXPECT_THAT(why_not(JobAccepted{odd, "", {}}), HasSubstr("is not a name")) << name;
  }
  EXPECT_THAT(why_not(Claim{INT64_MAX, "x", ""}), HasSubstr("a claim's epoch"));
  EXPECT_THAT(why_not(WorkerOut{}, INT64_MAX), HasSubstr("the claim's epoch"));
  EXPECT_THAT(why_not(WorkerOut{WorkerId{std::string(300, 'w')}, "", {}}), HasSubstr("300 bytes"));
  EXPECT_THAT(why_not(Assign{kJob, kRun, kStage, WorkerId{"w"}, Epoch{1}, {PartitionId{-1}}, "", {}}),
              HasSubstr("a partition"));
  EXPECT_THAT(why_not(Scale{kJob, kRun, kStage, 0, true, "", {}}), HasSubstr("workers is 0"));
  EXPECT_THAT(why_not(SnapshotPart{"s", 5, 2, ""}), HasSubstr("parts is 2"));
  EXPECT_THAT(why_not(SnapshotPart{"s", 1, 1, std::string(5 << 20, 'x')}), HasSubstr("a part has"));
}

TEST(ControlLimits, TextsForPeopleAreCutAndNotRefused) {
  const auto notice = decode_report(encode(Report{"log", Notice{.text = std::string(1 << 20, 'x')}})).value();
  EXPECT_EQ(std::get<Notice>(notice.body).text.size(), kMostText);
  std::string wide;
  for (int i = 0; i < 3000; ++i) wide += "é";
  const auto out = decode_decision(encode(Decision{"log", 1, "m", WorkerOut{WorkerId{"w"}, wide, false, {}}})).value();
  const auto& reason = std::get<WorkerOut>(out.body).reason;
  EXPECT_LE(reason.size(), kMostText);
  EXPECT_EQ(reason.substr(reason.size() - 5), "é...");
}

TEST(ControlLimits, DepthAndSizeCostNothing) {
  EXPECT_THAT(decode_decision(std::string(10 << 20, '[')).error().message, HasSubstr("nested too deep"));
  const auto deep = R"({"type":"out","log":"l","x":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_THAT(decode_decision(deep).error().message, HasSubstr("nested too deep"));
  const WorkerOut brackets{WorkerId{"w"}, R"(in a text, \"[[[[[[[[[[[[[[[[[[[[ \\", they are none)", false, {}};
  EXPECT_TRUE(decode_decision(encode(Decision{"log", 1, "m", brackets})).ok());
  EXPECT_THAT(decode_decision(std::string(kMostDecisionBytes + 1, ' ')).error().message, HasSubstr("bytes"));
  EXPECT_LT(decode_report("{\"type\":\"" + std::string(100'000, 'x') + "\"}").error().message.size(), 5'000u);
}

TEST(ControlLimits, ASnapshotOfForeverGrowingPartsIsGivenUp) {
  SnapshotAssembler assembler;
  const std::string text(1 << 20, ' ');
  bool refused = false;
  for (int part = 1; part < 100 && !refused; ++part) refused = !assembler.add({"s", part, 100, text}).ok();
  EXPECT_TRUE(refused);
  Snapshot good = snapshot();
  for (auto& part : cut(good, "t", 200)) {
    const auto whole = assembler.add(part);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    EXPECT_EQ(whole->has_value(), part.part == part.parts) << "the next one is read";
  }
}

// ---- the filter -----------------------------------------------------------------------------------------------------

class FilterTest : public testing::Test {
 protected:
  bool counts(const std::string& log, std::int64_t epoch, const std::string& leader, DecisionBody body) {
    return counts_raw(encode(Decision{log, epoch, leader, std::move(body)}));
  }
  bool counts_raw(const std::string& text) {
    auto taken = filter.accept(Offset{next_++}, text, {});
    EXPECT_TRUE(taken.ok());
    return taken.ok() && *taken;
  }
  DecisionsFilter filter;
  std::int64_t next_ = 0;
  const WorkerOut out{WorkerId{"w"}, "", {}};
};

TEST_F(FilterTest, NothingGivesTheLogItsIdButAClaimOrASnapshot) {
  EXPECT_FALSE(counts_raw("\xff\xfe garbage"));
  EXPECT_FALSE(counts("evil", 0, "", out)) << "nobody leads yet";
  EXPECT_FALSE(counts("evil", 3, "m", JobAccepted{job(), "", {}}));
  EXPECT_FALSE(counts("evil", INT64_MAX, "m", Claim{INT64_MAX, "m", ""}));
  EXPECT_FALSE(counts("evil", 1, "m", Claim{kMostNumber, "m", ""})) << "no number is left above it";
  EXPECT_EQ(filter.log(), "");
  EXPECT_TRUE(counts("log", 1, "m", Claim{1, "m", ""}));
  EXPECT_EQ(filter.log(), "log");
}

TEST_F(FilterTest, WhatIsForeignIsPassedOverAndWhatIsOursGoesOn) {
  ASSERT_TRUE(counts("log", 1, "m", Claim{1, "m", ""}));
  EXPECT_FALSE(counts("evil", 1, "m", out));
  EXPECT_FALSE(counts("evil", 2, "x", Claim{2, "x", ""}));
  EXPECT_FALSE(counts("log", 1, "m", Claim{INT64_MAX, "m", ""}));
  EXPECT_FALSE(counts("log", 900, "x", Claim{900, "x", ""})) << "epochs follow one another";
  EXPECT_FALSE(counts("log", 1, "m", SnapshotPart{"s", 1, 1, "{ no json"}));
  EXPECT_FALSE(counts("log", 1, "m", SnapshotPart{"s", 1, 1, R"({"version": 99})"}));
  EXPECT_FALSE(counts_raw("{}"));
  EXPECT_EQ(filter.refused(), 7);
  const auto words = filter.take_words();
  EXPECT_EQ(words.size(), 4u) << "one of each kind is reported";
  EXPECT_THAT(words[0], HasSubstr("offset 1 is refused: it belongs to log 'evil', not to 'log'"));
  EXPECT_TRUE(counts("log", 1, "m", out));
  EXPECT_TRUE(counts("log", 2, "b", Claim{2, "b", ""}));
}

TEST_F(FilterTest, OnlyALogThatWasTruncatedCanBeginWithASnapshotThatEndsItsReader) {
  EXPECT_FALSE(counts("log", 7, "m", SnapshotPart{"s", 1, 1, "[]"})) << "nothing stood before offset 0";
  DecisionsFilter late;
  const auto newer = encode(Decision{"log", 7, "m", SnapshotPart{"s", 1, 1, R"({"version": 99})"}});
  const auto taken = late.accept(Offset{500}, newer, {});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, ErrorCode::unsupported);
  EXPECT_THAT(taken.error().message, HasSubstr("version 99"));

  DecisionsFilter knows;
  for (auto& part : cut(snapshot(), "s"))
    EXPECT_TRUE(knows.accept(Offset{500}, encode(Decision{"log", 4, "m", part}), {}).value());
  const auto passed = knows.accept(Offset{501}, encode(Decision{"log", 4, "m", SnapshotPart{"t", 1, 1, "[]"}}), {});
  ASSERT_TRUE(passed.ok()) << "it knows what stood before";
  EXPECT_FALSE(passed->has_value());
}

TEST(Refusals, AFloodIsCountedAndTellsLittle) {
  Refusals refusals;
  SystemTime now(std::chrono::seconds(1000));
  int reported = 0;
  for (int i = 0; i < 10'000; ++i, now += std::chrono::milliseconds(10))
    if (refusals.add(Refused::unreadable, fmt::format("offset {}", i), now)) ++reported;
  EXPECT_EQ(refusals.count(), 10'000);
  EXPECT_EQ(reported, 2) << "in 100 seconds";
  EXPECT_THAT(refusals.add(Refused::unreadable, "\x1b[31mred\nline", now + std::chrono::seconds(60)).value(),
              HasSubstr("?[31mred?line (and "));
  EXPECT_TRUE(refusals.add(Refused::foreign_log, "another kind", now));
}

// A child wrote where it should not, and into its crash note; its agent's report was refused, and its end was never
// reported.
TEST(ControlLimits, AnEndIsToldWithoutWhatNoReportMayHold) {
  ChildExit exit{.signal = 11,
                 .frames = {{kJob, kRun, kStage, {1}, {17}, "f"},
                            {kJob, kRun, kStage, {-7}, {17}, "f"},
                            {kJob, kRun, kStage, {1}, {-1}, "f"}}};
  exit.frames.push_back({JobName{"\xff\x01"}, kRun, kStage, {1}, {17}, "f"});
  exit.frames.push_back(
      {JobName{std::string(200, '\xff')}, kRun, kStage, {1}, {17}, "f"});  // 600 bytes when it is written
  drop_impossible_frames(exit);
  ASSERT_EQ(exit.frames.size(), 1U);
  EXPECT_TRUE(decode_report(encode(Report{"log", exit})).ok());
}

}  // namespace
}  // namespace ride::stream
