// Commands that need neither Kafka nor a master, run as a person runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "common/json.h"
#include "tests/cli/ride_process.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class RideCommand : public ::testing::Test {
 protected:
  RideResult ride(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment = {}) {
    return run_ride(arguments, {folder_.path(), std::move(environment)});
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return name;
  }
  TempFolder folder_{"cli"};
};

constexpr const char* kGood =
    "ride: v1\nname: small\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: 10 } }\n"
    "stages:\n  - { name: gray, from: [scene], task: grayscale }\nsinks:\n  - { name: bin, from: [gray], task: discard "
    "}\n";

TEST_F(RideCommand, WithoutArgumentsTeachesAndFails) {
  const auto result = ride({});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.out, HasSubstr("Start here:"));
}

TEST_F(RideCommand, EveryCommandHasHelpWithExamplesAndExitCodes) {
  const auto all = ride({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const char* command :
       {"up",     "run",    "validate", "plan",   "graph", "submit",    "list",   "status", "top",
        "pause",  "drain",  "resume",   "cancel", "tap",   "logs",      "schema", "tasks",  "config",
        "doctor", "broker", "version",  "models", "test",  "artifacts", "new"}) {
    EXPECT_THAT(all.out, HasSubstr(std::string("\n  ") + command + " ")) << command;
    const auto help = ride({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  ")) << command;
    EXPECT_THAT(help.out, HasSubstr("Exit codes: 0 ")) << command;
  }
}

TEST_F(RideCommand, AnUnknownCommandIsAnsweredWithTheOneThatWasMeant) {
  const auto result = ride({"validat", "x.yaml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'validate'?"));
}

TEST_F(RideCommand, AWrongFlagIsAUsageError) { EXPECT_EQ(ride({"list", "--nonsense"}).code, 2); }

TEST_F(RideCommand, ValidateAcceptsAGoodFile) {
  const auto result = ride({"validate", file("good.yaml", kGood)});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("job 'small' is valid"));
}

TEST_F(RideCommand, ValidateShowsPlaceCauseAndFixOfEachError) {
  std::string text = kGood;
  text.replace(text.find("grayscale"), 9, "greyscale");
  const auto result = ride({"validate", file("bad.yaml", text)});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.yaml:6:"));
  EXPECT_THAT(result.err, HasSubstr("greyscale"));
  EXPECT_THAT(result.err, HasSubstr("grayscale"));
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
  const auto json = ride({"validate", "bad.yaml", "--json"});
  EXPECT_EQ(json.code, 2);
  const auto errors = Json::parse(json.out);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0]["line"], 6);
}

TEST_F(RideCommand, ValidateReadsThePythonFilesThatATopologyNamesAndRunsNothingOfThem) {
  std::string text = kGood;
  text.replace(text.find("task: grayscale"), 15, "task: python, params: { file: mine.py, values: { leest: 2 } }");
  file("mine.yaml", text);
  EXPECT_EQ(ride({"validate", "mine.yaml"}).code, 0) << "without the file nothing is known of it";
  file("mine.py",
       "open('was_run', 'w')\nimport nothing_of_that_name\nclass Mine:\n    \"\"\"Is mine.\"\"\"\n    least: int = 1\n"
       "    def process(self, frame, out): pass\n");
  const auto wrong = ride({"validate", "mine.yaml"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("mine.py has no parameter 'leest'; it has: least"));
  EXPECT_THAT(wrong.err, HasSubstr("mine.yaml:6:"));
  file("mine.yaml", text.replace(text.find("leest"), 5, "least"));
  EXPECT_EQ(ride({"validate", "mine.yaml"}).code, 0) << "modules may be on the nodes alone";
  const auto shown = ride({"tasks", "mine.py"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  for (const char* part : {"Mine\n  Is mine.", "least  int, default 1", "imports: nothing_of_that_name"})
    EXPECT_THAT(shown.out, HasSubstr(part));
  EXPECT_EQ(Json::parse(ride({"tasks", "mine.py", "--json"}).out)["classes"][0]["params"][0]["name"], "least");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "was_run"));
  file("mine.py", "class Mine:\n    def process(self, frame, out)\n");
  EXPECT_THAT(ride({"validate", "mine.yaml"}).err, HasSubstr("mine.py:2: SyntaxError"));
  EXPECT_THAT(ride({"tasks", "mine.py"}).err, HasSubstr("mine.py:2: SyntaxError"));
  EXPECT_EQ(ride({"tasks", "none.py"}).code, 1);
  const auto without = ride({"validate", "mine.yaml"}, {{"PATH", "/nowhere"}});
  EXPECT_EQ(without.code, 0) << "no Python here, so the nodes will say it: " << without.err;
}

TEST_F(RideCommand, AFileThatIsNotThereIsAUsageError) {
  const auto result = ride({"validate", "nowhere.yaml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("cannot read nowhere.yaml: No such file"));
  EXPECT_EQ(ride({"validate", "."}).code, 2);
}

TEST_F(RideCommand, PlanSaysWhatATopologyNeeds) {
  file("good.yaml", kGood);
  const auto text = ride({"plan", "good.yaml"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("ride.small.1.gray"));
  const auto json = ride({"plan", "good.yaml", "--json", "--prefix", "lab"});
  EXPECT_EQ(Json::parse(json.out)["topics"][0]["name"], "lab.small.1.gray");
}

TEST_F(RideCommand, PlanOnAClusterThatIsAwayIsTold) {
  file("good.yaml", kGood);
  const auto result = ride({"plan", "good.yaml", "--brokers", "127.0.0.1:1"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("127.0.0.1:1"));
}

TEST_F(RideCommand, GraphIsDot) {
  const auto result = ride({"graph", file("good.yaml", kGood)});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("digraph"));
  EXPECT_THAT(result.out, HasSubstr("gray"));
}

TEST_F(RideCommand, SchemaAndTasksAreJsonThatNamesEveryTask) {
  const auto schema = ride({"schema"});
  EXPECT_EQ(schema.code, 0);
  EXPECT_TRUE(Json::parse(schema.out).contains("$schema"));
  const auto tasks = Json::parse(ride({"tasks", "--json"}).out);
  EXPECT_GT(tasks.size(), 10U);
  for (const auto& task : tasks) EXPECT_THAT(schema.out, HasSubstr("\"" + task["name"].get<std::string>() + "\""));
}

TEST_F(RideCommand, ATaskIsShownWithItsParametersOrSuggested) {
  EXPECT_THAT(ride({"tasks", "gaussian_blur"}).out, HasSubstr("ksize  integer"));
  const auto wrong = ride({"tasks", "gausian_blur"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'gaussian_blur'?"));
}

TEST_F(RideCommand, ConfigTellsWhichValueWon) {
  file("ride.conf", "prefix = filed\nslots = 2\n");
  const auto result = ride({"config", "--json", "--slots", "5"}, {{"RIDE_BROKERS", "there:9092"}});
  ASSERT_EQ(result.code, 0) << result.err;
  std::map<std::string, Json> options;
  for (const auto& option : Json::parse(result.out)) options[option["name"]] = option;
  EXPECT_EQ(options["slots"]["value"], 5);
  EXPECT_EQ(options["slots"]["origin"], "flag");
  EXPECT_EQ(options["brokers"]["value"], "there:9092");
  EXPECT_EQ(options["brokers"]["origin"], "environment");
  EXPECT_EQ(options["prefix"]["place"], "ride.conf:1");
  EXPECT_EQ(options["state"]["origin"], "default");
}

TEST_F(RideCommand, DoctorTellsWhatIsThere) {
  const auto result = ride({"doctor", "--json"});
  const auto found = Json::parse(result.out);
  EXPECT_EQ(result.code, found["ok"].get<bool>() ? 0 : 1);
  std::vector<std::string> names;
  for (const auto& check : found["checks"]) {
    names.push_back(check["name"]);
    EXPECT_FALSE(check["detail"].get<std::string>().empty()) << check;
  }
  for (const char* name : {"java", "kafka", "programs", "video", "python", "gpu", "cameras", "resources", "disk"})
    EXPECT_THAT(names, ::testing::Contains(name));
}

TEST_F(RideCommand, DoctorSaysHowToFixAMissingJava) {
  const auto result = ride({"doctor"}, {{"JAVA_HOME", "/nowhere"}, {"PATH", "/nowhere"}});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("missing  java"));
  EXPECT_THAT(result.out, HasSubstr("there is no Python 'python3' on this node: install it"));
}

TEST_F(RideCommand, AMasterThatIsAwayIsExitCode3WithWhatToDo) {
  for (const char* command : {"list", "status", "logs", "top"}) {
    const auto result = ride({command, "--master", "http://127.0.0.1:1"});
    EXPECT_EQ(result.code, 3) << command;
    EXPECT_THAT(result.err, HasSubstr("cannot reach the master at http://127.0.0.1:1")) << command;
  }
  file("good.yaml", kGood);
  EXPECT_EQ(ride({"submit", "good.yaml", "--master", "127.0.0.1:1"}).code, 3);
  EXPECT_EQ(ride({"tap", "x", "--brokers", "127.0.0.1:1"}).code, 3);
}

TEST_F(RideCommand, UpRefusesAnAddressThatCannotBeHadBeforeAnythingStarts) {
  file("good.yaml", kGood);
  for (const char* command : {"up", "run"}) {
    const auto wrong = ride({command, "good.yaml"}, {{"RIDE_HTTP", "abc"}});
    EXPECT_EQ(wrong.code, 2) << command;
    EXPECT_THAT(wrong.err, HasSubstr("RIDE_HTTP: 'http' is 'abc'")) << command;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
  const LoopbackListener other;
  const auto address = "127.0.0.1:" + std::to_string(other.port());
  file("ride.conf", "http = " + address + "\n");
  const auto taken = ride({"up", "good.yaml"});
  EXPECT_EQ(taken.code, 1) << taken.err;
  EXPECT_THAT(taken.err, HasSubstr("ride.conf:1 (" + address + "): another program listens there"));
  EXPECT_THAT(taken.out, Not(HasSubstr("Kafka"))) << "no broker was started for it";
}

TEST_F(RideCommand, RunRefusesAnEndlessSourceAndSaysHowElse) {
  std::string text = kGood;
  text.replace(text.find(", frames: 10"), 12, "");
  const auto result = ride({"run", file("endless.yaml", text)});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("source 'scene' would go on for ever"));
  EXPECT_THAT(result.err, HasSubstr("ride up"));
}

TEST_F(RideCommand, UpWithoutAVariableThatASourceNeedsStartsNothing) {
  std::string text = kGood;
  text.replace(text.find("{ synthetic: { width: 64, height: 48, frames: 10 } }"), 52, "{ video: \"${STREET_VIDEO}\" }");
  const auto result = ride({"up", file("video.yaml", text)});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err,
              HasSubstr("source 'scene' (${STREET_VIDEO}): the environment variable STREET_VIDEO is not set"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
}

std::string job_of(const std::string& source, const std::string& path = "out/{source}/{session}/{seq}.jpg") {
  return "ride: v1\nname: album\nsources:\n  pictures: " + source +
         "\nsinks:\n  - { name: files, from: [pictures], task: write_images, params: { path: \"" + path + "\" } }\n";
}

// Line, path as written and as it is after all, and what to do; nothing is started.
TEST_F(RideCommand, WhatASourceReadsMustBeThereBeforeAnythingStarts) {
  std::filesystem::create_directories(folder_ / "empty");
  file("empty.avi", "");
  const auto here = [&](const std::string& name) { return (folder_ / name).string(); };
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"{ directory: nowhere }",
       {"folder 'nowhere (" + here("nowhere") + ")' does not exist", "correct the path", "'node:'"}},
      {"{ directory: /nowhere/at/all }", {"folder '/nowhere/at/all' does not exist"}},
      {"{ directory: \"${RIDE_NOT_SET:-nowhere}\" }", {here("nowhere") + ")' does not exist"}},
      {"{ directory: empty }", {"holds no file that matches '*'", "'glob:'"}},
      {"{ directory: job.yaml }", {"is not a folder"}},
      {"{ video: nowhere.mp4 }", {"video 'nowhere.mp4 (" + here("nowhere.mp4") + ")' does not exist"}},
      {"{ video: empty }", {"is a folder", "'directory:'"}},
      {"{ video: empty.avi }", {"is empty"}},
  };
  for (const auto& [source, words] : cases) {
    file("job.yaml", job_of(source));
    for (const char* command : {"run", "up"}) {
      const auto result = ride({command, "job.yaml"});
      EXPECT_EQ(result.code, 2) << source << result.err;
      EXPECT_THAT(result.err, HasSubstr("error: source 'pictures': ")) << source;
      EXPECT_THAT(result.err, HasSubstr("--> job.yaml:4:")) << source;
      for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << source;
      EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride")) << source;
    }
    const auto noted = ride({"validate", "job.yaml"});
    EXPECT_EQ(noted.code, 0) << "it may be meant for another machine: " << noted.err;
    EXPECT_THAT(noted.err, HasSubstr("warning: source 'pictures': ")) << source;
  }
}

TEST_F(RideCommand, ASourceOfAnotherNodeIsNotLookedForHere) {
  const auto result = ride({"validate", file("job.yaml", job_of("{ directory: nowhere, node: gatehouse }"))});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, Not(HasSubstr("nowhere")));
}

TEST_F(RideCommand, WhereASinkWritesThereMustBeRoomForAFolder) {
  file("taken", "a file");
  std::filesystem::create_directories(folder_ / "pictures");
  file("pictures/a.jpg", "x");
  file("job.yaml", job_of("{ directory: pictures }", "taken/{source}/{session}/{seq}.jpg"));
  const auto result = ride({"run", "job.yaml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("error: sink 'files' writes into " + (folder_ / "taken").string() + ", but " +
                                    (folder_ / "taken").string() + " is a file, not a folder"));
  EXPECT_THAT(result.err, HasSubstr("--> job.yaml:6:"));
}

// It would stand at 0 % for ever.
TEST_F(RideCommand, FewerSlotsThanStagesStartNothing) {
  file("good.yaml", kGood);
  for (const char* command : {"run", "up"}) {
    const auto result = ride({command, "good.yaml", "--slots", "1"});
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_THAT(result.err,
                HasSubstr("job 'small' needs 2 workers (one for each stage: gray, bin), and --slots gives it 1 slot"));
    EXPECT_THAT(result.err, HasSubstr("Give --slots 2"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
  }
  const auto variable = ride({"up", "good.yaml"}, {{"RIDE_SLOTS", "1"}});
  EXPECT_EQ(variable.code, 2);
  EXPECT_THAT(variable.err, HasSubstr("RIDE_SLOTS gives it 1 slot"));
}

TEST_F(RideCommand, AFolderThatKeepsNothingCannotBeOpened) {
  const auto result = ride({"up", "--idle"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr(".ride keeps no cluster"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
  EXPECT_EQ(ride({"up"}).code, 2);
  EXPECT_EQ(ride({"up", "x.yaml", "--idle"}).code, 2);
}

TEST_F(RideCommand, UpWithABadFileStartsNothing) {
  const auto result = ride({"up", file("bad.yaml", "ride: v1\nname: x\n")});
  EXPECT_EQ(result.code, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
}

TEST_F(RideCommand, UpWithAClusterThatIsAwayIsExitCode3) {
  file("good.yaml", kGood);
  const auto result = ride({"up", "good.yaml", "--brokers", "127.0.0.1:1"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("127.0.0.1:1"));
}

TEST_F(RideCommand, AFolderForTemporaryFilesThatIsNotThereIsToldWithItsName) {
  const auto result = ride({"run", file("good.yaml", kGood)}, {{"TMPDIR", "/nowhere/at/all"}});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("TMPDIR is '/nowhere/at/all'"));
  EXPECT_THAT(result.err, Not(HasSubstr("terminate called")));
}

// Each before anything was started, with the place that is wrong.
TEST_F(RideCommand, ValuesThatCannotBeAreRefusedBeforeAnythingStarts) {
  file("good.yaml", kGood);
  const std::vector<std::vector<std::string>> cases = {
      {"--brokers", ""},           {"--brokers", "127.0.0.1:99999"}, {"--max-message-bytes", "99999GiB"},
      {"--prefix", "../.."},       {"--kafka-config", "/"},          {"--kafka-config", "/dev/zero"},
      {"--kafka-config", "/none"}, {"--for", "99999999999d"}};
  for (const auto& one : cases) {
    const auto result = ride({"up", "good.yaml", one[0], one[1]});
    EXPECT_EQ(result.code, 2) << one[0] << " " << one[1] << ": " << result.err;
    EXPECT_THAT(result.err, HasSubstr(one[0].substr(2))) << one[1];
    EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride")) << one[0] << " " << one[1];
  }
  const auto variable = ride({"up", "good.yaml"}, {{"RIDE_BROKERS", "a:b"}});
  EXPECT_EQ(variable.code, 2);
  EXPECT_THAT(variable.err, HasSubstr("RIDE_BROKERS: 'a:b' does not name Kafka brokers: 'b' is not a port"));
}

TEST_F(RideCommand, ABrokersSizesHaveARange) {
  for (const char* flag : {"--heap", "--max-message-bytes"}) {
    const auto result = ride({"broker", "--data", "data", flag, "9999999GiB"});
    EXPECT_EQ(result.code, 2) << flag;
    EXPECT_THAT(result.err, HasSubstr(flag));
    EXPECT_THAT(result.err, HasSubstr("out of range: give ")) << flag;
  }
  const auto heap = ride({"broker", "--data", "data", "--heap", "3TiB"});
  EXPECT_EQ(heap.code, 2);
  EXPECT_THAT(heap.err, HasSubstr("--heap is 3TiB, but this machine has "));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data"));
}

// Stacks that no address space holds: no thread can be started, and memory for all else is there.
TEST_F(RideCommand, WithoutThreadsOneLineTellsIt) {
  file("good.yaml", kGood);
  RideProcess limited(
      {"/bin/sh", "-c", "ulimit -v 60000000; ulimit -s 100000000 && exec " RIDE_PROGRAM " up good.yaml"},
      {folder_.path(), {}}, false);
  const auto result = limited.wait(std::chrono::seconds(80));
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.err, ::testing::StartsWith("ride: cannot start a thread ("));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST_F(RideCommand, ATopologyMayComeFromAPipe) {
  file("good.yaml", kGood);
  for (const char* how :
       {"cat good.yaml | " RIDE_PROGRAM " validate -", "cat good.yaml | " RIDE_PROGRAM " validate /dev/stdin",
        "mkfifo pipe; (sleep 0.3; cat good.yaml > pipe) & " RIDE_PROGRAM " validate pipe"}) {
    RideProcess process({"/bin/sh", "-c", how}, {folder_.path(), {}}, false);
    const auto result = process.wait(std::chrono::seconds(80));
    EXPECT_EQ(result.code, 0) << how << ": " << result.err;
    EXPECT_THAT(result.out, HasSubstr("job 'small' is valid")) << how;
  }
}

TEST_F(RideCommand, CtrlCEndsTheWaitingForAPipeIntoWhichNobodyWrites) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* command : {"validate", "up"}) {
    RideProcess process({command, "pipe"}, {folder_.path(), {}});
    const auto waits = "/proc/" + std::to_string(process.pid()) + "/fd";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(80);
    const auto has_pipe = [&] {
      std::error_code gone;
      for (const auto& entry : std::filesystem::directory_iterator(waits, gone))
        if (std::filesystem::read_symlink(entry, gone) == folder_ / "pipe") return true;
      return false;
    };
    while (!has_pipe() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(process.ended()) << command;
    process.signal(SIGINT);
    EXPECT_EQ(process.wait(std::chrono::seconds(5)).code, 130) << command;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".ride"));
}

// A java that never answers, neither to its version nor as a broker.
TEST_F(RideCommand, CtrlCEndsAStartWhoseJavaHangs) {
  std::filesystem::create_directories(folder_ / "jdk" / "bin");
  file("good.yaml", kGood);
  file("jdk/bin/java", "#!/bin/sh\ntrap '' TERM\necho begun >> begun\nwhile :; do sleep 1; done\n");
  std::filesystem::permissions(folder_ / "jdk" / "bin" / "java", std::filesystem::perms::owner_all);
  for (const bool says_version : {false, true}) {
    if (says_version) file("jdk/release", "JAVA_VERSION=\"21.0.1\"\n");
    const RideOptions options{folder_.path(), {{"JAVA_HOME", (folder_ / "jdk").string()}, {"PATH", "/usr/bin:/bin"}}};
    RideProcess process({"broker", "--data", "data", "--port", "0"}, options);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(80);
    const auto hangs = [&] { return !processes_with((folder_ / "jdk").string() + "/bin/java").empty(); };
    while (!hangs() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(hangs());
    process.signal(SIGINT);
    process.wait(std::chrono::seconds(60));
    EXPECT_TRUE(none_left_within((folder_ / "jdk").string(), std::chrono::seconds(60))) << says_version;
  }
}

TEST_F(RideCommand, MorePartitionsThanAClusterHoldsAreRefused) {
  std::string text = "ride: v1\nname: wide\nsources: { scene: { synthetic: { frames: 1 } } }\nsinks:\n";
  const auto with = [&](int sinks) {
    std::string all = text;
    for (int i = 0; i < sinks; ++i)
      all += "  - { name: s" + std::to_string(i) + ", from: scene, task: discard, topic: { partitions: 4096 } }\n";
    return file("wide.yaml", all);
  };
  const auto many = ride({"validate", with(2000)});
  EXPECT_EQ(many.code, 2);
  EXPECT_THAT(many.err, HasSubstr("2000 topics with 8192000 partitions in all"));
  EXPECT_THAT(many.err, HasSubstr("at most 20000"));
  const auto some = ride({"validate", with(2)});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_THAT(some.err, HasSubstr("a Kafka broker holds about 4000"));
  EXPECT_THAT(ride({"validate", file("good.yaml", kGood)}).err, Not(HasSubstr("partitions in all")));
}

TEST_F(RideCommand, VersionIsPrinted) { EXPECT_THAT(ride({"version"}).out, ::testing::StartsWith("ride ")); }

}  // namespace
}  // namespace ride::test
