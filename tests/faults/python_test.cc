// The task `python` on a real cluster: its process, its worker and its agent are killed while it works on a frame, and
// frames that end it. Each frame is counted once, and no process and no memory of the stage stays behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "common/file_text.h"
#include "process/proc.h"
#include "stream/core/dead_letter.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr int kFrames = 120, kPoison = 67;
constexpr const char* kMark = "RIDE_TEST_RUN=";

class PythonStage : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    ::setenv("PATH", "/usr/bin:/bin", 1);  // Debian's Python has numpy
    mark_ = unique_name("python");
    run_ = std::make_unique<LocalRun>(bootstrap(), mark_, std::vector<std::string>{kMark + mark_ + "."});
    fs::create_directories(run_->folder() / "at");
  }
  void TearDown() override {
    run_.reset();
    EXPECT_THAT(processes(), IsEmpty()) << "of the whole run";
  }

  // Stays for a second on the frames of `held`, the first time that each comes: then the file at/NUMBER has the numbers
  // of the process and its parent. `more`: lines of process().
  void submit(const std::set<int>& held, const std::string& more = "") {
    std::string numbers;
    for (const int number : held) numbers += std::to_string(number) + ", ";
    const auto at = (run_->folder() / "at").string();
    std::ofstream(run_->folder() / "held.py")
        << "import ctypes, os, time\n\nHELD = {" << numbers << "-1}\n\nclass Held:\n"
        << "    def process(self, frame, out):\n"
        << "        file = '" << at << "/%d' % frame.number\n"
        << "        if frame.number in HELD and not os.path.exists(file):\n"
        << "            with open(file + '.new', 'w') as text: text.write('%d %d\\n' % (os.getpid(), os.getppid()))\n"
        << "            os.rename(file + '.new', file)\n"
        << "            time.sleep(1)\n"
        << more << "        result = out.allocate(frame.image.shape)\n"
        << "        result[...] = 255 - frame.image\n"
        << "        out.emit(result, attributes={'seen': frame.number})\n";
    write_topology();
    const auto said = run_->ask_master({"submit", (run_->folder() / "film.yaml").string()});
    ASSERT_EQ(said.code, 0) << said.text;
  }
  void write_topology() {
    std::ofstream(run_->folder() / "film.yaml")
        << "ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: " << kFrames
        << " }, fps: 40 }\nstages:\n"
        << "  - { name: work, from: [scene], topic: { partitions: 2, keep: 10m }, task: python,\n"
        << "      params: { file: " << (run_->folder() / "held.py").string() << " },\n"
        << "      group: { min: 1, max: 2, spares: 1 } }\nsinks:\n"
        << "  - { name: album, from: [work], task: write_images, params: { path: \""
        << (run_->folder() / "out").string() << "/{seq}.png\" } }\n";
  }
  void start_agent(const std::string& node) {
    run_->start_agent(node, {"--slots", "3", "--artifacts", (run_->folder() / ("files-" + node)).string()});
  }

  struct AtWork {
    pid_t python = 0, worker = 0, agent = 0;
  };
  // While the frame is inside process().
  AtWork at_work_on(int number) {
    AtWork who;
    const auto file = run_->folder() / "at" / std::to_string(number);
    EXPECT_TRUE(wait_until(90s, [&] { return fs::exists(file); })) << number << run_->events() << run_->logs();
    std::ifstream(file) >> who.python >> who.worker;
    if (const auto stat = process::read_stat(who.worker)) who.agent = stat->parent;
    return who;
  }

  static bool kill(pid_t pid) { return pid > 1 && ::kill(pid, SIGKILL) == 0; }

  // Of this run, with `also` in its environment, or with a picture's memory open or mapped.
  std::vector<std::string> processes(const std::string& also = "") const {
    std::vector<std::string> found;
    for (const pid_t pid : process::all_processes()) {
      if (pid == getpid()) continue;
      const auto folder = "/proc/" + std::to_string(pid);
      const auto environment = file_text(folder + "/environ");
      const auto stat = process::read_stat(pid);
      if (environment.find(kMark + mark_ + ".") == std::string::npos || !stat || stat->ended()) continue;
      if (environment.find(also) == std::string::npos && !has_memory(folder)) continue;
      std::string line = std::to_string(pid);
      for (const auto& word : process::command_line_of(pid)) line += " " + word;
      found.push_back(line);
    }
    return found;
  }
  static bool has_memory(const std::string& folder) {
    if (file_text(folder + "/maps").find("memfd:ride-picture") != std::string::npos) return true;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder + "/fd", none))
      if (fs::read_symlink(entry.path(), none).string().find("memfd:ride-picture") != std::string::npos) return true;
    return false;
  }

  void expect_each_once(const std::set<int>& dead = {}) {
    ASSERT_TRUE(wait_until(120s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
    std::set<int> expected, pictures;
    for (int n = 0; n < kFrames; ++n)
      if (!dead.contains(n)) expected.insert(n);
    for (const auto& entry : fs::directory_iterator(run_->folder() / "out"))
      pictures.insert(std::stoi(entry.path().stem().string()));
    EXPECT_EQ(pictures, expected);
    const auto work = run_->stage("film", "work"), album = run_->stage("film", "album");
    EXPECT_EQ(work["acked"], kFrames - static_cast<int>(dead.size())) << work;
    EXPECT_EQ(work["dead"], dead.size()) << work << run_->events();
    EXPECT_EQ(album["acked"], kFrames - static_cast<int>(dead.size())) << album;
    EXPECT_EQ(album["dead"], dead.size()) << "it is told of them: " << album;
    const auto ledger = run_->ask_cluster({"ledger", "film"});
    EXPECT_THAT(ledger.text, AllOf(HasSubstr("counted twice 0"), HasSubstr("clean: every frame counted once")))
        << run_->events();
    EXPECT_TRUE(wait_until(20s, [&] { return processes("RIDE_PYTHON_CHILD=").empty(); }))
        << "the job has ended, and of the stage there is " << testing::PrintToString(processes("RIDE_PYTHON_CHILD="));
  }

  std::string mark_;
  std::unique_ptr<LocalRun> run_;
};

TEST_F(PythonStage, ItsProcessIsKilledWhileItWorksAndNoFrameIsLostOrCountedTwice) {
  start_agent("n1");
  submit({10, 11, 40, 90});
  for (const int number : {10, 11, 40, 90}) {
    const auto who = at_work_on(number);
    ASSERT_TRUE(kill(who.python));
  }
  expect_each_once();
  EXPECT_THAT(run_->logs(), HasSubstr("signal 9 (killed)"));
}

TEST_F(PythonStage, ItsWorkerIsKilledWhileItWorksAndNoFrameIsLostOrCountedTwice) {
  start_agent("n1");
  submit({10, 50, 90});
  for (const int number : {10, 50, 90}) {
    const auto who = at_work_on(number);
    ASSERT_TRUE(kill(who.worker));
    EXPECT_TRUE(wait_until(10s, [&] { return !process::is_running(who.python); })) << "it dies with its worker";
  }
  expect_each_once();
}

TEST_F(PythonStage, ItsAgentIsKilledWhileItWorksAndNoFrameIsLostOrCountedTwice) {
  start_agent("n1");
  submit({10, 60});
  for (const int number : {10, 60}) {
    const auto who = at_work_on(number);
    ASSERT_TRUE(kill(who.agent));
    EXPECT_TRUE(wait_until(10s, [&] { return !process::is_running(who.worker) && !process::is_running(who.python); }))
        << "they die with their agent";
    start_agent("n1");
  }
  expect_each_once();
}

TEST_F(PythonStage, AFrameThatEndsItsProcessTwiceIsDeadAndItsNeighboursAreDelivered) {
  const std::vector<std::pair<const char*, const char*>> ends = {{"os._exit(3)", "exit code 3"},
                                                                 {"ctypes.string_at(0)", "signal 11"}};
  start_agent("n1");
  submit({}, std::string("        if frame.number == ") + std::to_string(kPoison) + ": " + ends[0].first +
                 "\n        if frame.number == " + std::to_string(kPoison + 1) + ": " + ends[1].first + "\n");
  expect_each_once({kPoison, kPoison + 1});
  std::set<std::int64_t> numbers;
  for (const auto& record : run_->records(run_->prefix() + ".film.1.work.dead")) {
    const auto number = stream::decode_header(record.headers).value().id.number;
    numbers.insert(number);
    EXPECT_THAT(stream::decode_death(record.headers).value().reason,
                AllOf(HasSubstr(number == kPoison ? ends[0].second : ends[1].second), HasSubstr("tried 2 times")));
  }
  EXPECT_EQ(numbers, (std::set<std::int64_t>{kPoison, kPoison + 1}));
}

// Before a frame is asked of anybody, and once: the job has failed, and whoever waits for it is told why.
TEST_F(PythonStage, AModuleThatANodeLacksIsToldWithTheNodeBeforeFramesFlow) {
  start_agent("n1");
  std::ofstream(run_->folder() / "held.py") << "import nothing_of_that_name\n\nclass Held:\n"
                                            << "    def process(self, frame, out): out.emit(frame)\n";
  write_topology();
  const auto said = run_->ask_master({"submit", "--wait", (run_->folder() / "film.yaml").string()});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.text, AllOf(HasSubstr("'python' of stage work"), HasSubstr("ModuleNotFoundError"),
                               HasSubstr("apt-get install python3-nothing_of_that_name"), HasSubstr("(node n1)")));
  EXPECT_THAT(run_->ask_master({"status", "film"}).text, HasSubstr("apt-get install python3-nothing_of_that_name"));
  EXPECT_EQ(run_->phase("film"), "failed");
  EXPECT_FALSE(fs::exists(run_->folder() / "out"));
}

// What no node could run is told where it is submitted.
TEST_F(PythonStage, AFileThatCannotBeRightIsRefusedBeforeItIsShipped) {
  std::ofstream(run_->folder() / "held.py") << "class Held:\n    def process(self, frame, out)\n        pass\n";
  write_topology();
  const auto said = run_->ask_master({"submit", (run_->folder() / "film.yaml").string()});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.text, AllOf(HasSubstr("held.py:2: SyntaxError"), HasSubstr("film.yaml:")));
}

// The poisoned frame's first strike is forgotten with the worker: it costs more ends, not other frames.
TEST_F(PythonStage, APoisonFrameAndKillsOfItsWorkerAtTheSameTime) {
  start_agent("n1");
  submit({kPoison}, std::string("        if frame.number == ") + std::to_string(kPoison) + ": os._exit(3)\n");
  ASSERT_TRUE(kill(at_work_on(kPoison).worker));
  expect_each_once({kPoison});
}

}  // namespace
}  // namespace ride::test
