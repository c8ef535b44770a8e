// ride up and ride run with real processes: broker, master, agent, workers, producer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/json.h"
#include "stream/kafka/admin.h"
#include "tests/cli/ride_process.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using std::chrono::seconds;

constexpr seconds kStart{240}, kEnd{240};

class RideLocal : public ::testing::Test {
 protected:
  // All that a test starts carries its folder in the environment (TMPDIR), so what is left behind can be found.
  void TearDown() override {
    EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(120))) << "processes are left behind";
  }

  RideOptions options() const { return {folder_.path(), {{"TMPDIR", folder_.path().string()}}}; }
  RideResult ride(const std::vector<std::string>& arguments, seconds limit = seconds(300)) {
    return run_ride(arguments, options(), limit);
  }
  std::vector<std::string> up(std::initializer_list<std::string> more) const {
    std::vector<std::string> arguments = {"up", "job.yaml", "--http", "127.0.0.1:0", "--broker-port", "0"};
    arguments.insert(arguments.end(), more);
    return arguments;
  }
  void write_job(const std::string& source, const std::string& sink) {
    std::ofstream(folder_ / "job.yaml")
        << "ride: v1\nname: small\nsources:\n  scene: " << source
        << "\nstages:\n  - { name: gray, from: [scene], topic: { partitions: 2 }, task: grayscale, codec: jpeg:90 }\n"
        << "sinks:\n  - " << sink << "\n";
  }
  std::size_t files_in(const std::string& name) const {
    std::size_t count = 0;
    std::error_code failed;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name, failed))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  pid_t process(const std::string& program) const {
    for (const pid_t pid : processes_with(folder_.path().string())) {
      std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline");
      std::string first;
      std::getline(in, first, '\0');
      if (fs::path(first).filename() == program) return pid;
    }
    return 0;
  }
  Json run_info() const {
    std::ifstream in(folder_ / ".ride" / "run.json");
    return Json::parse(in, nullptr, false);
  }

  TempFolder folder_{"cli-local"};
};

constexpr const char* kAlbum =
    R"({ name: album, from: [gray], task: write_images, params: { path: "out/{source}/{session}/{seq}.jpg" } })";
constexpr const char* kBin = "{ name: bin, from: [gray], task: discard }";

TEST_F(RideLocal, RunProcessesAFiniteInputToTheLastFrameAndLeavesNothingButThePictures) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 50 }, fps: max }", kAlbum);
  const auto result = ride({"run", "job.yaml"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_EQ(files_in("out"), 50U);
  EXPECT_THAT(result.out, HasSubstr("small, run 1: completed"));
  EXPECT_THAT(result.out, HasSubstr("sink    album        50 frames"));
  EXPECT_THAT(result.out, HasSubstr("no frame was lost"));
  EXPECT_THAT(result.out, HasSubstr((folder_ / "out").string()));
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("ride-run-")) << "the temporary folder stays";
}

TEST_F(RideLocal, PicturesKeepTheirNamesAndABrokenOneIsToldOnceByName) {
  fs::create_directories(folder_ / "pictures" / "day 1");
  for (const char* name : {"p01.jpg", "p02.png", "day 1/p01.jpg"})
    ASSERT_EQ(std::system(("ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=1 -frames:v 1 '" +
                           (folder_ / "pictures" / name).string() + "'")
                              .c_str()),
              0);
  std::ofstream(folder_ / "pictures" / "text.jpg") << "this is not a picture";
  write_job("{ directory: pictures, recursive: true }",
            R"({ name: album, from: [gray], task: write_images, params: { path: "out/{file}" } })");
  const auto result = ride({"run", "job.yaml"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  for (const char* name : {"p01.jpg", "p02.png", "day 1/p01.jpg"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name;
  EXPECT_EQ(files_in("out"), 3U);
  EXPECT_THAT(result.out, HasSubstr("album: 3 files in "));
  const auto screen = result.out + result.err;
  const auto at = screen.find("text.jpg");
  ASSERT_NE(at, std::string::npos) << screen;
  EXPECT_EQ(screen.find("text.jpg", at + 1), std::string::npos) << screen;
  EXPECT_THAT(screen, Not(HasSubstr("#"))) << "who reported it is for the log: " << screen;
}

TEST_F(RideLocal, WhatFailsAJobIsToldOnce) {
  std::ofstream(folder_ / "film.avi") << std::string(20'000, 'x');
  write_job("{ video: film.avi }", kBin);
  const auto result = ride({"run", "job.yaml"});
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  const auto screen = result.out + result.err;
  const auto at = screen.find("cannot be opened");
  ASSERT_NE(at, std::string::npos) << screen;
  EXPECT_EQ(screen.find("cannot be opened", at + 1), std::string::npos) << screen;
  EXPECT_THAT(result.out, HasSubstr("problem: the job failed"));
}

TEST_F(RideLocal, ABrokerThatIsDownIsToldOnce) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 50 } }", kBin);
  const auto result = ride({"run", "job.yaml", "--brokers", "127.0.0.1:1"});
  EXPECT_EQ(result.code, 3) << result.out << result.err;
  const auto screen = result.out + result.err;
  EXPECT_THAT(screen,
              HasSubstr("cannot reach Kafka at 127.0.0.1:1 (Connect to ipv4#127.0.0.1:1 failed: Connection refused)"));
  const auto at = screen.find("Connection refused");
  ASSERT_NE(at, std::string::npos) << screen;
  EXPECT_EQ(screen.find("Connection refused", at + 1), std::string::npos) << screen;
}

TEST_F(RideLocal, RunReportsBrokenPicturesAndFinishesTheOthers) {
  fs::create_directories(folder_ / "pictures");
  // A JPEG of one pixel is enough; OpenCV is not needed for it.
  ASSERT_EQ(std::system(("ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=1 -frames:v 3 " +
                         (folder_ / "pictures/good%d.jpg").string())
                            .c_str()),
            0);
  std::ofstream(folder_ / "pictures" / "text.jpg") << "this is no picture";
  write_job("{ directory: pictures }", kAlbum);
  const auto result = ride({"run", "job.yaml", "--json"});
  EXPECT_EQ(files_in("out"), 3U) << result.err;
  const auto summary = Json::parse(result.out, nullptr, false);
  ASSERT_TRUE(summary.is_object()) << result.out << result.err;
  EXPECT_EQ(summary["phase"], "completed");
  EXPECT_EQ(summary["sources"][0]["frames"], 3);
  EXPECT_EQ(summary["sources"][0]["rejected"], 1);
  EXPECT_THAT(summary["problems"].dump(), HasSubstr("text.jpg"));
  EXPECT_EQ(result.code, 0) << result.out;
}

TEST_F(RideLocal, RunOnAClusterOfTheUsersTakesItsTopicsWithIt) {
  const auto brokers = kafka_bootstrap();
  ASSERT_TRUE(brokers.ok()) << brokers.error().message;
  write_job("{ synthetic: { width: 64, height: 48, frames: 20 }, fps: max }", kAlbum);
  const auto result = ride({"run", "job.yaml", "--brokers", *brokers});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_EQ(files_in("out"), 20U);
  const auto admin = kafka::open_admin({.brokers = *brokers});
  ASSERT_TRUE(admin.ok()) << admin.error().message;
  // A topic that is being deleted is listed for a moment.
  const auto left = [&] {
    const auto topics = (*admin)->topics();
    return !topics.ok() || std::any_of(topics->begin(), topics->end(),
                                       [](const auto& topic) { return topic.name.starts_with("ride-run-"); });
  };
  const auto deadline = std::chrono::steady_clock::now() + seconds(80);
  while (left() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(left()) << "topics stay on the cluster";
}

TEST_F(RideLocal, UpEndsByItselfAfterATimeWithEveryFrameFinished) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 20 }", kAlbum);
  const auto result = ride(up({"--for", "3s", "--json"}));
  ASSERT_EQ(result.code, 0) << result.out << result.err;
  const auto summary = Json::parse(result.out);
  EXPECT_EQ(summary["phase"], "completed");
  const auto frames = summary["sources"][0]["frames"].get<std::size_t>();
  EXPECT_GT(frames, 10U);
  EXPECT_EQ(summary["stages"][1]["acked"], frames);
  EXPECT_EQ(files_in("out"), frames);
  EXPECT_EQ(summary["files"][0]["count"], frames);
}

TEST_F(RideLocal, CtrlCEndsAllInOrderAndTheNextUpGoesOn) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 20 }", kAlbum);
  RideProcess first(up({}), options());
  ASSERT_TRUE(first.wait_for_output("small running", kStart)) << first.out() << first.err();
  const auto refused = ride(up({}));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("another 'ride up' uses the state folder"));
  ASSERT_TRUE(first.wait_for_output("album", kStart));
  first.signal(SIGINT);
  const auto ended = first.wait(kEnd);
  EXPECT_EQ(ended.code, 130) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("small, run 1: paused"));
  EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(60)));
  EXPECT_EQ(run_info()["paused_job"], "small");

  const auto second = ride(up({"--for", "2s"}));
  EXPECT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_THAT(second.out, HasSubstr("run 1 continues where it stopped"));
  EXPECT_THAT(second.out, HasSubstr("small, run 1: completed"));

  const auto third = ride(up({"--for", "1s", "--fresh"}));
  EXPECT_EQ(third.code, 0) << third.out << third.err;
  EXPECT_THAT(third.out, HasSubstr("submitted as run 1"));
}

TEST_F(RideLocal, AChangedFileDrainsTheOldVersionFirst) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 20 }", kAlbum);
  RideProcess first(up({}), options());
  ASSERT_TRUE(first.wait_for_output("small running", kStart)) << first.out() << first.err();
  first.signal(SIGINT);
  ASSERT_EQ(first.wait(kEnd).code, 130);
  write_job("{ synthetic: { width: 32, height: 32 }, fps: 20 }", kAlbum);
  const auto second = ride(up({"--for", "1s"}));
  EXPECT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_THAT(second.out, HasSubstr("run 1 was made from another version of job.yaml; that run is drained first"));
  EXPECT_THAT(second.out, HasSubstr("small, run 2: completed"));
}

TEST_F(RideLocal, ALostWorkerCostsNoFrame) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 20 }", kAlbum);
  RideProcess up_process(up({"--for", "6s", "--json"}), options());
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.err();
  const pid_t worker = process("ride-worker");
  ASSERT_GT(worker, 0);
  kill(worker, SIGKILL);
  // Its agent reports it at once, so the master need not wait for missed heartbeats.
  std::string logs;
  const auto deadline = std::chrono::steady_clock::now() + seconds(60);
  while (logs.find("its agent saw it end by signal 9") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline)
    logs = ride({"logs", "--last", "0"}).out;
  EXPECT_THAT(logs, HasSubstr("its agent saw it end by signal 9"));
  const auto ended = up_process.wait(kStart + kEnd);
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  const auto summary = Json::parse(ended.out, nullptr, false);
  ASSERT_TRUE(summary.is_object()) << ended.out << ended.err;
  EXPECT_EQ(files_in("out"), summary["sources"][0]["frames"].get<std::size_t>());
}

TEST_F(RideLocal, AMasterThatDiesEndsUpWithItsLastWords) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  RideProcess up_process(up({}), options());
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.out() << up_process.err();
  const pid_t master = process("ride-master");
  ASSERT_GT(master, 0);
  kill(master, SIGKILL);
  const auto ended = up_process.wait(kEnd);
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("ride-master ended by itself, by signal 9. Its log ("));
}

TEST_F(RideLocal, AWorkerThatKeepsEndingIsShownWithItsLastWords) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  // The programs under other names in a folder of their own, with a worker that cannot start.
  const fs::path bin = fs::path(RIDE_PROGRAM).parent_path() / ("broken-" + std::to_string(getpid()));
  fs::create_directories(bin);
  for (const char* program : {"ride", "ride-master", "ride-agent", "ride-producer"})
    fs::create_hard_link(fs::path(RIDE_PROGRAM).parent_path() / program, bin / program);
  std::ofstream(bin / "ride-worker") << "#!/bin/sh\necho cannot find libanything.so >&2\nexit 127\n";
  fs::permissions(bin / "ride-worker", fs::perms::owner_all);
  auto arguments = up({});
  arguments.insert(arguments.begin(), (bin / "ride").string());
  RideProcess up_process(arguments, options(), false);
  const auto ended = up_process.wait(seconds(200));
  fs::remove_all(bin);
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("keeps ending (exit code 127, 3 times now)"));
  EXPECT_THAT(ended.err, HasSubstr("cannot find libanything.so"));
}

TEST_F(RideLocal, NothingIsLeftWhenUpItselfIsKilled) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  RideProcess up_process(up({}), options());
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.out() << up_process.err();
  up_process.signal(SIGKILL);
  EXPECT_EQ(up_process.wait(seconds(60)).code, 128 + SIGKILL);
  EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(120)));
}

TEST_F(RideLocal, TwentyTimesKilledLeavesNothingThatStopsTheNextOne) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  for (int round = 0; round < 20; ++round) {
    RideProcess up_process(up({}), options());
    // At another moment each time: while the broker starts, when it is there, when the job runs.
    const char* moment = round % 4 == 0 ? "small running" : round % 4 == 1 ? "Kafka: broker at" : "";
    if (*moment) {
      ASSERT_TRUE(up_process.wait_for_output(moment, kStart)) << round << up_process.out() << up_process.err();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(150 * round));
      ASSERT_FALSE(up_process.ended()) << round << up_process.err();
    }
    up_process.signal(SIGKILL);
    EXPECT_EQ(up_process.wait(seconds(60)).code, 128 + SIGKILL) << round;
  }
  RideProcess last(up({"--for", "2s"}), options());
  EXPECT_EQ(last.wait(seconds(300)).code, 0) << last.err();
}

TEST_F(RideLocal, ItsMasterIsToldWhenALossIsOne) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  std::ofstream(folder_ / "ride.conf") << "loss-ticks = 9\ntick-interval = 50ms\n";
  RideProcess up_process(up({"--tick-interval", "70ms"}), options());
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.out() << up_process.err();
  std::ifstream in("/proc/" + std::to_string(process("ride-master")) + "/cmdline");
  std::string line(std::istreambuf_iterator<char>(in), {});
  std::replace(line.begin(), line.end(), '\0', ' ');
  EXPECT_THAT(line, HasSubstr("--loss-ticks 9 --tick-interval 70ms"));
  up_process.signal(SIGINT);
  EXPECT_EQ(up_process.wait(kEnd).code, 130) << up_process.err();
}

TEST_F(RideLocal, OnlyWhoShowsTheTokenUsesAMasterThatListensForOthers) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  const auto refused = ride({"up", "job.yaml", "--http", "0.0.0.0:0", "--broker-port", "0"});
  EXPECT_EQ(refused.code, 1) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("--token-file")) << refused.out;

  const std::string token = "5ec4e7-" + std::string(24, 'a');
  std::ofstream(folder_ / "token") << token << "\n";
  fs::permissions(folder_ / "token", fs::perms::owner_read | fs::perms::owner_write);
  RideProcess up_process({"up", "job.yaml", "--http", "0.0.0.0:0", "--broker-port", "0", "--token-file", "token"},
                         options());
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.out() << up_process.err();
  EXPECT_EQ(ride({"status"}).code, 0) << "the folder of the 'ride up' knows the file";
  const auto master = run_info()["master"].get<std::string>();
  const auto stranger = ride({"status", "--master", master});
  EXPECT_NE(stranger.code, 0);
  EXPECT_THAT(stranger.err, HasSubstr("asks for a token"));
  EXPECT_EQ(ride({"status", "--master", master, "--token-file", "token"}).code, 0);
  auto with_variable = options();
  with_variable.environment["RIDE_TOKEN"] = token;
  EXPECT_EQ(run_ride({"status", "--master", master}, with_variable).code, 0);
  for (const pid_t pid : processes_with(folder_.path().string())) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}).find(token), std::string::npos)
        << "on a command line";
  }
  up_process.signal(SIGINT);
  const auto ended = up_process.wait(kEnd);
  EXPECT_THAT(ended.out + ended.err, Not(HasSubstr(token)));
  for (const auto& entry : fs::directory_iterator(folder_ / ".ride/logs")) {
    std::ifstream in(entry.path());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}).find(token), std::string::npos) << entry.path();
  }
}

// The author of the file sits at the keyboard; who sends a job to that RIDE is held to the same folders.
TEST_F(RideLocal, SinksWriteWhereTheFileAtHandSaysAndNowhereElse) {
  const auto elsewhere = (folder_ / "elsewhere").string();
  write_job(
      "{ synthetic: { width: 64, height: 48 }, fps: 20 }",
      "{ name: album, from: [gray], task: write_images, params: { path: \"" + elsewhere + "/{session}/{seq}.jpg\" } }");
  fs::create_directories(folder_ / "work");
  fs::rename(folder_ / "job.yaml", folder_ / "work/job.yaml");
  auto at_work = options();
  at_work.folder = folder_ / "work";
  RideProcess up_process(up({}), at_work);
  ASSERT_TRUE(up_process.wait_for_output("small running", kStart)) << up_process.out() << up_process.err();
  const auto deadline = std::chrono::steady_clock::now() + kStart;
  while (files_in("elsewhere") == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_GT(files_in("elsewhere"), 0U);
  for (const std::string path : {"/etc/cron.d/{seq}.jpg", "../{seq}.jpg", "out/../../{seq}.jpg"}) {
    std::ofstream(folder_ / "work/other.yaml")
        << "ride: v1\nname: other\nsources: { scene: { synthetic: { frames: 5 } } }\n"
        << "sinks:\n  - { name: album, from: [scene], task: write_images, params: { path: \"" << path << "\" } }\n";
    const auto refused = run_ride({"submit", "other.yaml"}, at_work);
    EXPECT_EQ(refused.code, 2) << path;
    EXPECT_THAT(refused.err, HasSubstr("other.yaml:5:")) << path;
    EXPECT_THAT(refused.err, HasSubstr("none of the folders")) << path;
    EXPECT_THAT(refused.err, HasSubstr(elsewhere)) << path;
  }
  up_process.signal(SIGINT);
  EXPECT_EQ(up_process.wait(kEnd).code, 130);
}

// Nobody else can join: what lacks now lacks for ever, and no bar stands at 0 %.
TEST_F(RideLocal, AStageThatNobodyHereCanServeIsRefused) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 10 }, fps: max }",
            "{ name: bin, from: [gray], task: discard, group: { labels: { site: north } } }");
  const auto result = ride({"run", "job.yaml"});
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("job 'small' would wait for ever"));
  EXPECT_THAT(result.err, HasSubstr("stage 'bin' has no worker, labelled site=north: the pool has 2 workers"));
  write_job("{ synthetic: { width: 64, height: 48, frames: 10 }, fps: max, node: elsewhere }", kBin);
  const auto source = ride({"run", "job.yaml"});
  EXPECT_EQ(source.code, 1) << source.out << source.err;
  EXPECT_THAT(source.err, HasSubstr("source 'scene' has no producer on node elsewhere: there are producers on "));
}

// A worker goes while nobody can bring another: the progress line says what lacks, and for how long.
TEST_F(RideLocal, ARunThatCannotGoOnSaysWhatItWaitsFor) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 400 }, fps: 20 }", kBin);
  RideProcess run({"run", "job.yaml"}, options());
  ASSERT_TRUE(run.wait_for_output("submitted as run 1", kStart)) << run.out() << run.err();
  ASSERT_TRUE(run.wait_for_output(" % ", kStart)) << run.out() << run.err();
  const pid_t agent = process("ride-agent"), worker = process("ride-worker");
  ASSERT_GT(agent, 0);
  ASSERT_GT(worker, 0);
  kill(agent, SIGSTOP);
  kill(worker, SIGKILL);
  const bool told = run.wait_for_output(" | waits for ", kStart);
  kill(agent, SIGCONT);
  EXPECT_TRUE(told) << run.out() << run.err();
  EXPECT_THAT(run.err(), HasSubstr("waits: no suitable worker is available"));
  EXPECT_EQ(run.wait(seconds(300)).code, 0);
}

// The text behind "ride ", as the words that a shell would make of it.
std::vector<std::string> command_in(const std::string& text, const std::string& begin) {
  const auto at = text.find("ride " + begin);
  if (at == std::string::npos) return {};
  std::istringstream line(text.substr(at + 5, text.find_first_of("\n'", at) - at - 5));
  std::vector<std::string> words;
  for (std::string word; line >> word && words.size() < 6;) {
    if (word == "starts" || word == "ride") break;
    words.push_back(word);
  }
  return words;
}

// The commands that were printed, run as they stand there.
TEST_F(RideLocal, WhatRunKeptIsOpenedByTheCommandThatItPrints) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 40 }, fps: max }", kAlbum);
  const auto run = ride({"run", "job.yaml", "--keep"});
  ASSERT_EQ(run.code, 0) << run.out << run.err;
  const auto open = command_in(run.err, "up --idle");
  ASSERT_EQ(open.size(), 4U) << run.err;
  ASSERT_EQ(open[2], "--state");
  const auto& state = open[3];
  for (const auto& words :
       {std::vector<std::string>{"status", "small"}, {"ledger", "small"}, {"dead", "list"}, {"logs"}}) {
    auto ask = words;
    ask.insert(ask.end(), {"--state", state});
    const auto down = ride(ask);
    EXPECT_EQ(down.code, 3) << words.front();
    EXPECT_THAT(down.err, HasSubstr("is down. 'ride up --idle --state " + state + "' opens what it kept"))
        << words.front();
  }
  auto on_free_ports = open;  // the default ones may be another test's
  on_free_ports.insert(on_free_ports.end(), {"--http", "127.0.0.1:0", "--broker-port", "0"});
  RideProcess idle(on_free_ports, options());
  ASSERT_TRUE(idle.wait_for_output("idle: no job is started", kStart)) << idle.out() << idle.err();
  const auto ask = [&](const std::string& begin) { return ride(command_in(run.err, begin)); };
  const auto status = ask("status");
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("completed"));
  const auto json = Json::parse(ride({"status", "small", "--json", "--state", state}).out, nullptr, false);
  EXPECT_EQ(json["jobs"][0]["phase"], "completed");
  EXPECT_EQ(json["jobs"][0]["frames_in"], 40);
  EXPECT_EQ(json["jobs"][0]["frames_out"], 40);
  // The workers that reported them are gone: unknown, not zero. The ledger counts them again.
  EXPECT_TRUE(json["sources"][0]["frames"].is_null()) << json.dump(1);
  EXPECT_TRUE(json["stages"][1]["acked"].is_null()) << json.dump(1);
  const auto logs = ask("logs");
  EXPECT_EQ(logs.code, 0) << logs.err;
  EXPECT_THAT(logs.out, HasSubstr("completed"));
  const auto ledger = ask("ledger");
  EXPECT_EQ(ledger.code, 0) << ledger.out << ledger.err;
  EXPECT_THAT(ledger.out, HasSubstr("clean: every frame counted once"));
  const auto counted = Json::parse(ride({"ledger", "small", "--json", "--state", state}).out, nullptr, false);
  EXPECT_EQ(counted["stages"][1]["acked"], 40) << counted.dump(1);
  const auto dead = ask("dead list");
  EXPECT_EQ(dead.code, 0) << dead.err;
  EXPECT_THAT(dead.out, HasSubstr("no dead frames"));
  idle.signal(SIGINT);
  EXPECT_EQ(idle.wait(kEnd).code, 130);
  EXPECT_EQ(files_in("out"), 40U) << "nothing was processed again";
  fs::remove_all(state);
}

TEST_F(RideLocal, AFinishedUpCanBeAskedAfter) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 30 }, fps: max }", kAlbum);
  const auto up_result = ride(up({}));
  ASSERT_EQ(up_result.code, 0) << up_result.out << up_result.err;
  EXPECT_THAT(up_result.out, HasSubstr("ask after the job later: ride up --idle\n"));
  // The folder is named: without, a master at the default address is asked, and another test may have one there.
  const auto down = ride({"status", "small", "--state", ".ride"});
  EXPECT_EQ(down.code, 3) << down.out;
  EXPECT_THAT(down.err, HasSubstr("'ride up --idle' opens what it kept"));
  RideProcess idle({"up", "--idle", "--http", "127.0.0.1:0", "--broker-port", "0"}, options());
  ASSERT_TRUE(idle.wait_for_output("idle: no job is started", kStart)) << idle.out() << idle.err();
  const auto json = Json::parse(ride({"status", "small", "--json"}).out, nullptr, false);
  EXPECT_EQ(json["jobs"][0]["frames_out"], 30) << json.dump(1);
  const auto second = ride({"up", "--idle"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("runs already"));
  idle.signal(SIGTERM);
  EXPECT_EQ(idle.wait(kEnd).code, 143);
}

TEST_F(RideLocal, CtrlCWhileItStartsEndsWhatHasStarted) {
  write_job("{ synthetic: { width: 64, height: 48 }, fps: 5 }", kBin);
  RideProcess up_process(up({}), options());
  ASSERT_TRUE(up_process.wait_for_output("Kafka: broker at", kStart)) << up_process.out() << up_process.err();
  up_process.signal(SIGINT);
  EXPECT_EQ(up_process.wait(kEnd).code, 130);
  EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(60)));
}

// A locale that is not installed, one without UTF-8, and a user who owns nothing but this folder.
TEST_F(RideLocal, RunsInAnyLocale) {
  write_job("{ synthetic: { width: 64, height: 48, frames: 20 }, fps: max }", kAlbum);
  for (const std::string locale : {"de_DE.UTF-8", "tr_TR.UTF-8", "POSIX"}) {
    auto with_locale = options();
    for (const char* name : {"LC_ALL", "LANG", "LC_NUMERIC"}) with_locale.environment[name] = locale;
    const auto result = run_ride({"run", "job.yaml", "--json"}, with_locale, seconds(300));
    EXPECT_EQ(result.code, 0) << locale << result.out << result.err;
    EXPECT_TRUE(Json::accept(result.out)) << locale << ": " << result.out;
  }
}

TEST_F(RideLocal, RunsAsAUserWithoutRights) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests run as a user without rights already";
  ASSERT_EQ(::chown(folder_.path().c_str(), kNobody, kNobody), 0);
  const std::vector<std::string> as_nobody = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  auto look = as_nobody;
  look.insert(look.end(), {"/usr/bin/test", "-x", RIDE_PROGRAM});
  if (RideProcess(look, options(), false).wait(seconds(120)).code != 0)
    GTEST_SKIP() << "this build lies in a folder that others may not enter: " << RIDE_PROGRAM;
  write_job("{ synthetic: { width: 64, height: 48, frames: 20 }, fps: max }", kAlbum);
  auto run = as_nobody;
  run.insert(run.end(), {RIDE_PROGRAM, "run", "job.yaml"});
  const auto result = RideProcess(run, options(), false).wait(seconds(300));
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_EQ(files_in("out"), 20U);
}

}  // namespace
}  // namespace ride::test
