// The commands that talk to a master and to Kafka, against a `ride up` that runs: one for all tests here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "common/json.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/writer.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using std::chrono::seconds;

constexpr const char* kJob =
    "ride: v1\nname: small\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 20 }\nstages:\n"
    "  - { name: gray, from: [scene], topic: { partitions: 2, keep: 10m }, task: grayscale }\nsinks:\n  - { name: bin, "
    "from: "
    "[gray], task: discard }\n";
constexpr const char* kOther =
    "ride: v1\nname: other\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: 20 }, fps: max }\n"
    "sinks:\n  - { name: bin, from: [scene], task: discard }\n";

class RideJobs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder("cli-jobs");
    std::ofstream(*folder_ / "job.yaml") << kJob;
    std::ofstream(*folder_ / "other.yaml") << kOther;
    up_ = new RideProcess({"up", "job.yaml", "--http", "127.0.0.1:0", "--broker-port", "0", "--slots", "5"}, options());
    running_ = up_->wait_for_output("small running", seconds(240));
  }
  static void TearDownTestSuite() {
    up_->signal(SIGINT);
    EXPECT_EQ(up_->wait(seconds(240)).code, 130);
    delete up_;
    EXPECT_TRUE(none_left_within(folder_->path().string(), seconds(120)));
    delete folder_;
  }
  void SetUp() override { ASSERT_TRUE(running_) << up_->out() << up_->err(); }

  static RideOptions options() { return {folder_->path(), {{"TMPDIR", folder_->path().string()}}}; }
  static RideResult ride(const std::vector<std::string>& arguments) {
    return run_ride(arguments, options(), seconds(160));
  }
  static Json job(const std::string& name) {
    const auto status = ride({"status", name, "--json"});
    const auto all = Json::parse(status.out, nullptr, false);
    return all.is_object() && all["jobs"].size() == 1 ? all["jobs"][0] : Json::object();
  }
  static bool reaches_phase(const std::string& name, const std::string& phase) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(160);
    while (std::chrono::steady_clock::now() < deadline) {
      if (job(name).value("phase", "") == phase) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

  inline static TempFolder* folder_ = nullptr;
  inline static RideProcess* up_ = nullptr;
  inline static bool running_ = false;
};

TEST_F(RideJobs, StatusAndListShowTheJobWithoutBeingToldWhereTheMasterIs) {
  const auto list = ride({"list"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("small"));
  const auto status = ride({"status", "small"});
  EXPECT_EQ(status.code, 0);
  EXPECT_THAT(status.out, HasSubstr("gray"));
  EXPECT_THAT(status.out, HasSubstr("scene"));
  const auto all = Json::parse(ride({"status", "--json"}).out);
  EXPECT_EQ(all["stages"].size(), 2U);
  EXPECT_EQ(all["sources"][0]["source"], "scene");
  EXPECT_EQ(all["nodes"].size(), 1U);
}

TEST_F(RideJobs, AJobThatIsNotThereIsAnsweredWithTheOneThatWasMeant) {
  for (const char* command : {"status", "pause", "resume", "drain", "cancel"}) {
    const auto result = ride({command, "smal"});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("there is no job 'smal', did you mean 'small'?")) << command;
  }
}

TEST_F(RideJobs, TopLooksAsOftenAsItIsTold) {
  const auto result = ride({"top", "small", "-n", "2", "--interval", "0.2"});
  EXPECT_EQ(result.code, 0) << result.err;
  std::size_t looks = 0;
  for (auto at = result.out.find("small, run"); at != std::string::npos; at = result.out.find("small, run", at + 1))
    ++looks;
  EXPECT_EQ(looks, 2U);
}

TEST_F(RideJobs, PausedFramesStandStillAndResumeLetsThemGoOn) {
  EXPECT_EQ(ride({"pause", "small"}).code, 0);
  ASSERT_TRUE(reaches_phase("small", "paused"));
  const auto twice = ride({"pause", "small"});
  EXPECT_EQ(twice.code, 1);
  EXPECT_THAT(twice.err, HasSubstr("only a running job can be paused"));
  EXPECT_EQ(ride({"resume", "small"}).code, 0);
  ASSERT_TRUE(reaches_phase("small", "running"));
  const auto before = job("small")["frames_out"].get<std::int64_t>();
  const auto deadline = std::chrono::steady_clock::now() + seconds(120);
  while (job("small")["frames_out"].get<std::int64_t>() < before + 10 && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_GE(job("small")["frames_out"].get<std::int64_t>(), before + 10);
}

TEST_F(RideJobs, TapShowsAndSavesAFrameOfARunningStage) {
  const auto json = ride({"tap", "small/gray", "--json", "--save", "pictures"});
  ASSERT_EQ(json.code, 0) << json.out << json.err;
  const auto record = Json::parse(json.out);
  EXPECT_EQ(record["kind"], "frame");
  EXPECT_EQ(record["source"], "scene");
  EXPECT_EQ(record["shape"], "48x64x3");
  EXPECT_TRUE(fs::exists(*folder_ / record["saved"].get<std::string>()));
  const auto shown = ride({"tap", "small/bin", "--show", "-n", "2"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("48x64x1"));
  const auto coming = ride({"tap", "small/gray", "--from", "end", "-n", "3", "--json"});
  EXPECT_EQ(std::count(coming.out.begin(), coming.out.end(), '\n'), 3);
  const auto wrong = ride({"tap", "small/grey"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'small/gray'?"));
  EXPECT_EQ(ride({"tap", "small/gray", "--from", "7"}).code, 2);
}

TEST_F(RideJobs, TapReadsOtherRecordsToo) {
  const auto decisions = ride({"tap", "ride.decisions", "-n", "2", "--json"});
  EXPECT_EQ(decisions.code, 0) << decisions.err;
  EXPECT_THAT(decisions.out, HasSubstr("\"kind\":\"foreign\""));
}

TEST_F(RideJobs, LogsTellWhatHappenedInOrder) {
  const auto text = ride({"logs", "small", "--last", "0"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("accepted"));
  const auto json = ride({"logs", "--json", "--last", "0"});
  std::istringstream lines(json.out);
  std::string line;
  std::int64_t last = -1;
  while (std::getline(lines, line)) {
    const auto event = Json::parse(line);
    EXPECT_GT(event["n"].get<std::int64_t>(), last);
    last = event["n"].get<std::int64_t>();
  }
  EXPECT_GT(last, 0);
}

TEST_F(RideJobs, SubmitWaitsForTheEndOfAFiniteJobAndCancelsAnother) {
  const auto done = ride({"submit", "other.yaml", "--wait"});
  EXPECT_EQ(done.code, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("other: completed"));
  const auto again = ride({"submit", "job.yaml"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("nothing differs from run 1, which keeps running"));
  std::ofstream(*folder_ / "bad.yaml")
      << "ride: v1\nname: bad\nsources: { s: { synthetic: {} } }\nsinks: [{ name: b, from: [s], task: discrd }]\n";
  const auto bad = ride({"submit", "bad.yaml"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("did you mean 'discard'?"));
}

TEST_F(RideJobs, WhoWaitsForAJobIsToldWhatItLost) {
  fs::create_directories(*folder_ / "film");
  ASSERT_EQ(std::system(("ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=1 -frames:v 40 " +
                         (*folder_ / "film/%d.jpg").string())
                            .c_str()),
            0);
  const auto write = [](const std::string& name, const std::string& fps, const std::string& stage) {
    std::ofstream(*folder_ / "waited.yaml")
        << "ride: v1\nname: " << name << "\nsources:\n  film: { directory: film, fps: " << fps
        << " }\nstages:\n  - { name: gray, from: [film], task: grayscale" << stage
        << " }\nsinks:\n  - { name: bin, from: [gray], task: discard }\n";
  };
  const std::string too_large = ", max_pixels: 1000";
  write("lost", "max", too_large);
  const auto lost = ride({"submit", "waited.yaml", "--wait"});
  EXPECT_EQ(lost.code, 1) << lost.out << lost.err;
  EXPECT_THAT(lost.out, HasSubstr("\nproblem: stage 'gray': 40 dead frames\n"));

  write("slow", "1", "");
  RideProcess cancelled({"submit", "waited.yaml", "--wait"}, options());
  ASSERT_TRUE(reaches_phase("slow", "running"));
  const auto cancel = ride({"cancel", "slow", "--wait"});
  EXPECT_EQ(cancel.code, 0) << "who cancels wants no more than the end: " << cancel.out << cancel.err;
  const auto told = cancelled.wait(seconds(160));
  EXPECT_EQ(told.code, 1) << told.out << told.err;
  EXPECT_THAT(told.out, HasSubstr("problem: the job was cancelled"));

  write("slow", "2", too_large);
  ASSERT_EQ(ride({"submit", "waited.yaml"}).code, 0);
  const auto frames = [] {
    const auto all = Json::parse(ride({"status", "slow", "--json"}).out, nullptr, false);
    return all.is_object() && !all["sources"].empty() ? all["sources"][0].value("frames", std::int64_t{0}) : 0;
  };
  const auto deadline = std::chrono::steady_clock::now() + seconds(160);
  while (frames() == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto drained = ride({"drain", "slow", "--wait", "--json"});
  EXPECT_EQ(drained.code, 1) << drained.out << drained.err;
  const auto end = Json::parse(drained.out, nullptr, false);
  ASSERT_TRUE(end.is_object()) << drained.out;
  EXPECT_EQ(end["good"], false);
  EXPECT_THAT(end["reasons"].dump(), HasSubstr("stage 'gray'"));
}

TEST_F(RideJobs, SubmitOfAJobThatRunsShowsItsPlanAndChangesOnlyWhatDiffers) {
  std::string text = kJob;
  text.replace(text.find("task: grayscale"), 15, "task: grayscale, group: { max: 2 }");
  std::ofstream(*folder_ / "larger.yaml") << text;
  const auto plan = ride({"submit", "larger.yaml", "--dry-run"});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("  gray: group.max 1 → 2\ntakes effect immediately, within run 1: nothing stops\n"));
  const auto max_of = [](const std::string& job) {
    return Json::parse(ride({"status", job, "--json"}).out, nullptr, false)["stages"][0]["max"];
  };
  EXPECT_EQ(max_of("small"), 1) << "a plan changes nothing";
  EXPECT_EQ(ride({"submit", "larger.yaml"}).code, 0);
  EXPECT_EQ(max_of("small"), 2);
  EXPECT_EQ(job("small")["run"], 1);

  text.replace(text.find("grayscale"), 9, "identity");
  std::ofstream(*folder_ / "other-task.yaml") << text;
  const auto refused = ride({"submit", "other-task.yaml"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("gray: task grayscale → identity"));
  EXPECT_THAT(refused.err, HasSubstr("--replace"));
  EXPECT_EQ(ride({"submit", "other-task.yaml", "--replace", "--dry-run"}).code, 2) << "one or the other";
  EXPECT_EQ(ride({"submit", "job.yaml"}).code, 0);
}

TEST_F(RideJobs, SubmitWithReplaceDrainsTheOldRunAndTheNewOneFollows) {
  std::string text =
      "ride: v1\nname: third\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 20 }\n"
      "sinks:\n  - { name: bin, from: [scene], task: discard }\n";
  std::ofstream(*folder_ / "third.yaml") << text;
  ASSERT_EQ(ride({"submit", "third.yaml"}).code, 0);
  ASSERT_TRUE(reaches_phase("third", "running"));
  text.replace(text.find("fps: 20"), 7, "fps: 25");
  std::ofstream(*folder_ / "third.yaml") << text;
  const auto replaced = ride({"submit", "third.yaml", "--replace"});
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_THAT(replaced.out, HasSubstr("scene: fps 20 → 25   (needs a new run)"));
  EXPECT_THAT(replaced.out, HasSubstr("run 1 is drained"));
  const auto deadline = std::chrono::steady_clock::now() + seconds(160);
  while (job("third").value("run", 0) != 2 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(job("third").value("run", 0), 2);
  EXPECT_TRUE(reaches_phase("third", "running"));
  EXPECT_EQ(ride({"cancel", "third"}).code, 0);
}

TEST_F(RideJobs, AJobThatReadsAnothersTopicIsDrainedWhileThatGoesOnWriting) {
  std::ofstream(*folder_ / "writer.yaml")
      << "ride: v1\nname: writer\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 50 }\n"
         "stages:\n  - { name: copy, from: [scene], topic: { partitions: 2 }, task: grayscale, output: { topic: grays "
         "} }\n";
  std::ofstream(*folder_ / "reader.yaml")
      << "ride: v1\nname: reader\nstages:\n  - { name: edges, topic: { name: grays, adopt: true }, task: canny }\n"
         "sinks:\n  - { name: album, from: [edges], task: write_images, params: { path: "
         "\"edges/{source}-{session}-{seq}.png\" } }\n";
  ASSERT_EQ(ride({"submit", "writer.yaml"}).code, 0);
  ASSERT_TRUE(reaches_phase("writer", "running"));
  const auto submitted = ride({"submit", "reader.yaml"});
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  const auto out = [](const std::string& name) { return job(name).value("frames_out", std::int64_t{0}); };
  const auto deadline = std::chrono::steady_clock::now() + seconds(240);
  while (out("reader") < 50 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_GE(out("reader"), 50);
  const auto drained = ride({"drain", "reader", "--wait"});
  EXPECT_EQ(drained.code, 0) << drained.out << drained.err;
  EXPECT_TRUE(reaches_phase("reader", "completed"));
  EXPECT_EQ(job("writer")["phase"], "running");
  const auto pictures = std::distance(fs::directory_iterator(*folder_ / "edges"), fs::directory_iterator());
  EXPECT_EQ(pictures, out("reader")) << "each frame that was counted lies there, once";
  EXPECT_EQ(ride({"cancel", "writer"}).code, 0);
}

// Three raw pictures of 48x64 with 16 bits, and one that is cut short: what another program might write.
void write_plates(const std::string& brokers) {
  const kafka::ClientConfig config{.brokers = brokers};
  const auto admin = kafka::open_admin(config);
  ASSERT_TRUE(admin.ok()) << admin.error().message;
  ASSERT_TRUE((*admin)->create({.name = "plates"}).ok());
  const auto writer = kafka::KafkaWriter::open(config);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  ASSERT_TRUE((*writer)->prepare("plates").ok());
  const auto pixels = std::make_shared<std::vector<std::uint8_t>>(48 * 64 * 2, 90);
  for (const std::size_t bytes : {pixels->size(), pixels->size(), pixels->size(), std::size_t{10}}) {
    const auto sent = (*writer)->send({"plates", PartitionId{0}}, {.value = {pixels->data(), bytes}, .owner = pixels},
                                      [](const Result<Offset>& taken) { EXPECT_TRUE(taken.ok()); });
    ASSERT_TRUE(sent.ok()) << sent.error().message;
  }
  ASSERT_TRUE((*writer)->flush(seconds(20)).ok());
}

TEST_F(RideJobs, ATopicOfOthersIsLookedIntoAsItsStageReadsItAndNeverWrittenInto) {
  std::ifstream file(*folder_ / ".ride" / "run.json");
  const std::string brokers = Json::parse(file)["brokers"];
  ASSERT_NO_FATAL_FAILURE(write_plates(brokers));
  std::ofstream(*folder_ / "foreign.yaml")
      << "ride: v1\nname: foreign\nstages:\n  - { name: dark, topic: { name: plates, adopt: true, format: raw, shape: "
         "48x64x1, depth: 16u }, task: identity }\nsinks:\n  - { name: bin, from: [dark], task: discard }\n";
  ASSERT_EQ(ride({"submit", "foreign.yaml"}).code, 0);
  const auto dead = [] {
    return Json::parse(ride({"dead", "list", "foreign", "--json"}).out, nullptr, false).value("dead", Json::array());
  };
  const auto deadline = std::chrono::steady_clock::now() + seconds(240);
  while (dead().empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0]["topic"], "plates");

  const auto tapped = ride({"tap", "foreign/dark", "-n", "1", "--from", "beginning", "--save", "plates", "--json"});
  EXPECT_EQ(tapped.code, 0) << tapped.out << tapped.err;
  const auto record = Json::parse(tapped.out, nullptr, false);
  ASSERT_TRUE(record.is_object()) << tapped.out << tapped.err;
  EXPECT_EQ(record["topic"], "plates");
  EXPECT_TRUE(fs::exists(*folder_ / record["saved"].get<std::string>()));
  EXPECT_EQ(ride({"tap", "foreign/dark", "--format", "jpeg", "--show"}).code, 1) << "what is asked for wins";
  const auto wrong = ride({"tap", "foreign/drak"});
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'foreign/dark'?"));

  for (const std::string which : {"0/3", "--all"}) {
    const auto replayed = ride({"dead", "replay", "foreign/dark", which});
    EXPECT_EQ(replayed.code, 1) << which << replayed.out;
    EXPECT_THAT(replayed.err, HasSubstr("reads the topic plates, which others write: RIDE does not write into it"))
        << which;
  }
  const auto admin = kafka::open_admin({.brokers = brokers});
  ASSERT_TRUE(admin.ok()) << admin.error().message;
  EXPECT_EQ((*admin)->range({"plates", PartitionId{0}})->end, Offset{4}) << "nothing was written into it";
  EXPECT_EQ(ride({"cancel", "foreign"}).code, 0);
}

TEST_F(RideJobs, ScaleSetsAndHoldsASizeAndAutoLetsItGo) {
  const auto set = ride({"scale", "small/gray", "2"});
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_THAT(set.out, HasSubstr("small/gray: 2 workers, held"));
  const auto workers = [] {
    const auto status = Json::parse(ride({"status", "small", "--json"}).out, nullptr, false);
    return status["stages"][0]["workers"].size();
  };
  const auto deadline = std::chrono::steady_clock::now() + seconds(160);
  while (workers() != 2 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(workers(), 2U);
  const auto status = ride({"status", "small"});
  EXPECT_THAT(status.out, HasSubstr("2 of 1, held"));
  EXPECT_THAT(status.out, HasSubstr("gray: 1 → 2: on request, and held there"));
  EXPECT_THAT(ride({"logs", "small"}).out, HasSubstr("1 → 2: on request"));

  const auto too_many = ride({"scale", "small/gray", "3"});
  EXPECT_EQ(too_many.code, 2);
  EXPECT_THAT(too_many.err, HasSubstr("give 1 to 2, at most one for each partition"));
  EXPECT_EQ(ride({"scale", "small", "2"}).code, 2);
  EXPECT_EQ(ride({"scale", "small/gray", "many"}).code, 2);
  const auto unknown = ride({"scale", "small/grey", "1"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("its stages: gray, bin"));
  EXPECT_THAT(ride({"hold", "smal"}).err, HasSubstr("did you mean 'small'?"));

  EXPECT_EQ(ride({"scale", "small/gray", "1"}).code, 0);
  EXPECT_THAT(ride({"scale", "small/gray", "auto"}).out, HasSubstr("small/gray: 1 worker, as its topology says"));
  EXPECT_THAT(ride({"hold", "small", "--json"}).out, HasSubstr("\"held\":true"));
  EXPECT_THAT(ride({"hold", "small", "--release"}).out, HasSubstr("small/bin: 1 worker, as its topology says"));
}

// More than the pool has stands as an order, since a worker may join; who gave it is shown what is missing.
TEST_F(RideJobs, AScaleBeyondThePoolSaysSo) {
  std::string text = kOther;
  text.replace(text.find("other"), 5, "wide");
  text.replace(text.find(", frames: 20"), 12, "");
  text.replace(text.find("task: discard"), 13, "task: discard, topic: { partitions: 40 }");
  std::ofstream(*folder_ / "wide.yaml") << text;
  ASSERT_EQ(ride({"submit", "wide.yaml"}).code, 0);
  ASSERT_TRUE(reaches_phase("wide", "running"));
  const auto told = ride({"scale", "wide/bin", "30"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("of 30 workers"));
  EXPECT_THAT(told.out, HasSubstr("the pool has 5 workers: it takes what comes"));
  const auto json = Json::parse(ride({"scale", "wide/bin", "30", "--json"}).out);
  ASSERT_EQ(json["lacks"].size(), 1U) << json;
  EXPECT_EQ(json["lacks"][0]["stage"], "bin");
  EXPECT_EQ(Json::parse(ride({"scale", "wide/bin", "auto", "--json"}).out)["lacks"].size(), 0U);
  EXPECT_EQ(ride({"cancel", "wide", "--wait"}).code, 0);
}

// Somebody may still join: it is accepted, and who waits sees what for and how long.
TEST_F(RideJobs, AJobThatNobodyCanServeYetIsToldWhileItWaits) {
  std::string text = kOther;
  text.replace(text.find("other"), 5, "picky");
  text.replace(text.find("task: discard"), 13, "task: discard, group: { labels: { site: north } }");
  std::ofstream(*folder_ / "picky.yaml") << text;
  RideProcess waiting({"submit", "picky.yaml", "--wait"}, options());
  ASSERT_TRUE(waiting.wait_for_output("it waits until somebody joins", seconds(80))) << waiting.out() << waiting.err();
  EXPECT_THAT(waiting.out(), HasSubstr("stage 'bin' has no worker, labelled site=north: the pool has 5 workers"));
  const auto deadline = std::chrono::steady_clock::now() + seconds(120);
  while (waiting.err().find("picky waits for ") == std::string::npos && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_THAT(waiting.err(), HasSubstr("bin waits: no suitable worker is available"));
  EXPECT_THAT(waiting.err(), HasSubstr("Ctrl-C ends the waiting, not the job"));
  EXPECT_EQ(ride({"cancel", "picky", "--wait"}).code, 0);
  EXPECT_EQ(waiting.wait(seconds(120)).code, 1);
}

TEST_F(RideJobs, ASourceThatIsNotThereIsToldBeforeTheJobIsAccepted) {
  std::ofstream(*folder_ / "nowhere.yaml")
      << "ride: v1\nname: nowhere\nsources:\n  film: { directory: not-here }\nsinks:\n  - { name: bin, "
         "from: [film], task: discard }\n";
  const auto result = ride({"submit", "nowhere.yaml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err,
              HasSubstr("source 'film': folder 'not-here (" + (*folder_ / "not-here").string() + ")' does not exist"));
  EXPECT_THAT(result.err, HasSubstr("--> nowhere.yaml:4:"));
  EXPECT_EQ(job("nowhere"), Json::object());
}

TEST_F(RideJobs, ANumberThatIsTooSmallIsAnsweredWithTheOnesThatFit) {
  const auto tap = ride({"tap", "small/gray", "-n", "-1"});
  EXPECT_EQ(tap.code, 2);
  EXPECT_THAT(tap.err + tap.out, HasSubstr("-n wants a whole number from 0, not \"-1\""));
}

TEST_F(RideJobs, LedgerCountsTheJobThatRuns) {
  const auto counted = ride({"ledger", "small", "--for", "1s", "--json"});
  const auto json = Json::parse(counted.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << counted.out << counted.err;
  EXPECT_EQ(counted.code, 0) << counted.out;
  EXPECT_EQ(json["twice"], 0);
  EXPECT_EQ(json["stages"].size(), 2U);
  EXPECT_FALSE(json["at_rest"]);
  EXPECT_EQ(ride({"ledger", "nothing"}).code, 1);
}

TEST_F(RideJobs, TraceTellsTheWayOfAFrame) {
  const auto traced = ride({"trace", "scene/3", "--job", "small"});
  EXPECT_EQ(traced.code, 0) << traced.err;
  EXPECT_THAT(traced.out, HasSubstr("ride.small.1.gray/1"));
  EXPECT_THAT(traced.out, HasSubstr("counts, ACKed by gray"));
  const auto json = Json::parse(ride({"trace", "scene/1/3", "--job", "small", "--json"}).out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["steps"][0]["from"], "scene");
  EXPECT_EQ(ride({"trace", "scene", "--job", "small"}).code, 2);
  const auto gone = ride({"trace", "scene/999999999", "--job", "small"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("no record of scene/999999999"));
}

}  // namespace
}  // namespace ride::test
