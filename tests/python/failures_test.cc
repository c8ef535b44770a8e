// Python that fails, crashes, hangs, grows or makes noise on a frame: what becomes of the frame, and that the next one
// is delivered.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <opencv2/core.hpp>
#include <thread>

#include "process/proc.h"
#include "tests/python/python_script.h"

namespace ride::tasks {
namespace {

struct Failure {
  const char* name;
  const char* lines;  // of process(), on frame 1
  std::vector<const char*> said;
  bool hangs() const { return std::string(said.front()).starts_with("`timeout`"); }
};

std::vector<Failure> failures() {
  return {
      {"Raises", "raise ValueError('no\\nluck')", {"gate/3/1", "test.py:7: ValueError: no\\nluck"}},
      {"RaisesAfterEmitting", "out.emit(frame); raise KeyError(7)", {"KeyError: 7"}},
      {"RaisesWhatHasNoText",
       "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd()",
       {"Odd: (it has no text)"}},
      {"RaisesWhatIsNoUnicode", "raise ValueError('\\ud800')", {"ValueError: \\ud800"}},
      {"Recurses", "f = lambda f: f(f)\nf(f)", {"RecursionError"}},
      {"Exits", "sys.exit(5)", {"exit code 5", "tried 2 times"}},
      {"ExitsAtOnce", "os._exit(0)", {"exit code 0", "tried 2 times"}},
      {"ExitsAfterEmitting", "out.emit(frame); os._exit(1)", {"exit code 1", "tried 2 times"}},
      {"Crashes", "ctypes.string_at(0)", {"signal 11 (segmentation fault)", "tried 2 times"}},
      {"Aborts", "os.abort()", {"signal 6 (abort)", "tried 2 times"}},
      {"KillsItself", "os.kill(os.getpid(), signal.SIGKILL)", {"signal 9 (killed)", "tried 10 times"}},
      {"Hangs", "time.sleep(1000)", {"`timeout` (1.5s)", "tried 2 times"}},
      {"HangsInACall", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60))\nwhile True: pass", {"`timeout`"}},
      {"Stops", "os.kill(os.getpid(), signal.SIGSTOP)", {"`timeout`"}},
      {"EatsMemory", "b = []\nwhile True: b.append(bytearray(1 << 26))", {"MemoryError", "`memory` is 256 MiB"}},
      {"AllocatesTooMuch", "np.zeros((1 << 20, 1 << 20))", {"MemoryError"}},
      {"AsksForTooLargeAPicture", "out.allocate((1 << 30, 1 << 30))", {"MemoryError", "larger than 4 GiB"}},
      {"WritesIntoItsInput", "frame.image[0] = 1", {"ValueError: assignment destination is read-only"}},
      {"MakesItsInputWritable", "frame.image.flags.writeable = True", {"ValueError"}},
      {"WritesBehindNumpy",
       "ctypes.memset(frame.image.__array_interface__['data'][0], 1, 1)",
       {"signal 11", "tried 2 times"}},
      {"ClosesItsSocket", "os.close(3)", {"tried 2 times"}},
      {"SpeaksItself", "os.write(3, b'hello')", {"it spoke with the worker itself", "tried 2 times"}},
      {"SpeaksTooMuch", "os.write(3, b'[' * 150000)", {"it spoke with the worker itself"}},
      {"ClaimsOtherMemory",
       "os.write(3, b'{\"t\":\"emit\",\"slot\":7,\"offset\":0,\"rows\":9,\"cols\":9,\"channels\":1,\"depth\":\"8U\","
       "\"port\":\"\",\"attributes\":{}}')\ntime.sleep(1000)",
       {"`timeout`"}},
      {"NamesOddAttributes", "out.emit(frame, attributes={'a b': 'x'})", {"ValueError: an attribute's name"}},
      {"HasManyAttributes", "out.emit(frame, attributes={'a%d' % i: '' for i in range(65)})", {"more than 64"}},
      {"HasLargeAttributes", "out.emit(frame, attributes={'a': 'x' * 300000})", {"ValueError: attributes of"}},
      {"HasAttributesThatAreNoUnicode", "out.emit(frame, attributes={'a': '\\ud800'})", {"UnicodeEncodeError"}},
      {"NamesALongPort", "out.emit(frame, port='x' * 65)", {"ValueError: there is no port"}},
      {"NamesAPortThatIsNoUnicode", "out.emit(frame, port='\\ud800')", {"ValueError: there is no port"}},
      {"EmitsTooMany", "for i in range(2000): out.emit(frame)", {"more than 1024 pictures"}}};
}

class PythonFailure : public testing::TestWithParam<Failure> {};

TEST_P(PythonFailure, IsTheEndOfItsFrameAndOfNoOther) {
  std::string lines = "if frame.number == 1:\n";
  std::string part;
  for (const char c : std::string(GetParam().lines) + "\n") {
    part += c;
    if (c == '\n') lines += "    " + std::exchange(part, "");
  }
  PythonScript script(script_of(lines + "out.emit(frame)"),
                      {{"timeout", GetParam().hangs() ? 1.5 : 60.0}, {"memory", text("256MiB")}});
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  std::string error;
  const std::string log = logged_by([&] { error = script.error_of(frame_of(in, 1)); });
  for (const char* said : GetParam().said) EXPECT_NE(error.find(said), std::string::npos) << error;
  EXPECT_LT(error.size(), 3000U);
  script.expect_delivered(frame_of(in, 2), in);
  script.close();
  EXPECT_EQ(python_processes(), std::vector<int>());
}

INSTANTIATE_TEST_SUITE_P(All, PythonFailure, testing::ValuesIn(failures()),
                         [](const auto& one) { return one.param.name; });

TEST(PythonFailures, AFrameWhoseProcessIsKilledOrCrashesOnceIsDelivered) {
  for (const char* end : {"os.kill(os.getpid(), 9)", "os._exit(3)", "ctypes.string_at(0)", "time.sleep(1000)"}) {
    const TempFolder folder;
    PythonScript script(
        script_of("if frame.number == 1 and not os.path.exists(r'" + (folder / "mark") + "'):\n" + "    open(r'" +
                  (folder / "mark") + "', 'w').close()\n    " + end + "\nout.emit(frame)"),
        {{"timeout", std::string(end).starts_with("time.sleep") ? 3.0 : 60.0}});
    const cv::Mat in = noise(20, 30, CV_8UC3);
    for (int i = 0; i < 3; ++i) script.expect_delivered(frame_of(in, i), in);
  }
}

TEST(PythonFailures, AProcessThatEndsBetweenFramesCostsNoFrame) {
  PythonScript script(script_of("out.emit(frame)"));
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  for (const pid_t pid : process::descendants_of(getpid())) {
    kill(pid, SIGKILL);
    while (process::is_running(pid)) std::this_thread::yield();
  }
  const auto log = logged_by([&] { script.expect_delivered(frame_of(in, 1), in); });
  EXPECT_NE(log.find("between frames; it is started again"), std::string::npos) << log;
}

TEST(PythonFailures, WhatItPrintsIsLoggedWithTheStage) {
  PythonScript script(
      script_of("print('frame', frame.number)\n"
                "sys.stdout.buffer.write(b'\\xff\\x00\\x1b[2J\\n')\n"
                "print('x' * 100000)\n"
                "print('careful', file=sys.stderr)\n"
                "for i in range(100000): print('flood')\n"
                "out.emit(frame)"));
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.task();
  const auto log = logged_by([&] {
    script.expect_delivered(frame_of(in, 0), in);
    script.close();
  });
  for (const char* line : {"stage album: test.py: frame 0\n", "test.py: \\xff\\x00\\x1b[2J\n", "test.py: careful\n",
                           "lines more were printed)\n"})
    EXPECT_NE(log.find(line), std::string::npos) << line << " in " << log.substr(0, 3000);
  EXPECT_LT(log.size(), 100000U);
}

TEST(PythonFailures, WhileItWorksProgressIsReported) {
  PythonScript script(script_of("time.sleep(1)\nout.emit(frame)"));
  KeepingEmitter out;
  ASSERT_TRUE(script.process(frame_of(noise(2, 2, CV_8UC1)), out).ok());
  EXPECT_GE(out.progress_calls, 3) << "one is of the answer";
}

// A model that takes a while is loaded again after a crash: the worker is not taken for hung meanwhile.
TEST(PythonFailures, WhileItIsStartedAgainProgressIsReported) {
  PythonScript script(
      "import os, time\n"
      "class Test:\n"
      "    def open(self): time.sleep(1)\n"
      "    def process(self, frame, out):\n"
      "        if frame.number == 1: os._exit(1)\n"
      "        out.emit(frame)\n");
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  KeepingEmitter out;
  EXPECT_FALSE(script.process(frame_of(in, 1), out).ok());
  EXPECT_GE(out.progress_calls, 4) << "one of each of the two ends";
}

TEST(PythonFailures, AFrameThatCannotBeToldLeavesItsObjectAsItIs) {
  PythonScript script(
      "class Test:\n"
      "    seen = 0\n"
      "    def process(self, frame, out):\n"
      "        self.seen += 1\n"
      "        out.emit(frame, attributes={'seen': self.seen})\n");
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  EXPECT_NE(script.error_of(frame_of(cv::Mat(4, 4, CV_64FC1, cv::Scalar(1)), 1)).find("8U, 16U or 32F"),
            std::string::npos);
  Frame long_name = frame_of(in, 2);
  long_name.attributes["note"] = std::string(1 << 20, 'x');
  EXPECT_NE(script.error_of(long_name).find("can be told to Python"), std::string::npos);
  KeepingEmitter out;
  ASSERT_TRUE(script.process(frame_of(in, 3), out).ok());
  EXPECT_EQ(out.only().attributes.at("seen"), "2");
}

// What a process has seen is gone with it: what finish() of another one would say is not taken for the whole.
TEST(PythonFailures, FinishIsNotAskedOfAProcessThatHasSeenNoFrame) {
  const std::string counts =
      "import os\n"
      "class Test:\n"
      "    seen = 0\n"
      "    def process(self, frame, out): self.seen += 1; self.image = frame.image\n"
      "    def finish(self, out):\n"
      "        ";
  const cv::Mat in = noise(20, 30, CV_8UC3);
  for (const bool before : {true, false}) {
    PythonScript script(counts + (before ? "out.emit(self.image)\n" : "os._exit(4)\n"));
    KeepingEmitter out;
    ASSERT_TRUE(script.process(frame_of(in, 0), out).ok());
    for (const pid_t pid : process::descendants_of(getpid())) {
      if (!before) break;
      kill(pid, SIGKILL);
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (process::is_running(pid) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    }
    const auto done = script.task().finish(out);
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.error().message.find(before ? "ended before finish()" : "finish(): the Python process ended (exit"),
              std::string::npos)
        << done.error().message;
    EXPECT_TRUE(out.frames.empty());
  }
}

TEST(PythonFailures, WhileItCannotBeStartedAgainFramesWaitAndAreNotDead) {
  const TempFolder folder;
  PythonScript script(
      "import os\n"
      "class Test:\n"
      "    def open(self):\n"
      "        if os.path.exists(r'" +
      (folder / "away") +
      "'): raise ConnectionError('the service is away')\n"
      "    def process(self, frame, out):\n"
      "        if frame.number == 1 and not os.path.exists(r'" +
      (folder / "seen") +
      "'):\n"
      "            open(r'" +
      (folder / "seen") +
      "', 'w').close()\n"
      "            open(r'" +
      (folder / "away") +
      "', 'w').close()\n"
      "            os._exit(1)\n"
      "        out.emit(frame)\n");
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  for (int i = 0; i < 3; ++i) {
    KeepingEmitter out;
    const auto done = script.process(frame_of(in, 1), out);
    ASSERT_FALSE(done.ok());
    EXPECT_TRUE(done.error().retriable) << "a worker gives it the frame again, and says why it waits";
    EXPECT_NE(done.error().message.find("ConnectionError: the service is away"), std::string::npos)
        << done.error().message;
  }
  std::filesystem::remove(folder / "away");
  script.expect_delivered(frame_of(in, 1), in);
}

// Its limit of descriptors keeps the next picture's memory away; what it sees is never an earlier picture.
TEST(PythonFailures, WithoutADescriptorLeftAFrameFailsAndLaterOnesAreDelivered) {
  const TempFolder folder;
  const std::string go = folder / "go";
  PythonScript script(
      script_of("import resource, threading\n"
                "if frame.number == 0:\n"
                "    self.kept = frame.image\n"
                "    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
                "    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))\n"
                "    def later():\n"
                "        while not os.path.exists('" +
                go +
                "'): time.sleep(0.02)\n"
                "        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))\n"
                "    threading.Thread(target=later, daemon=True).start()\n"
                "out.emit(frame)"));
  const cv::Mat in = noise(20, 30, CV_8UC3);
  script.expect_delivered(frame_of(in, 0), in);
  const cv::Mat next = noise(40, 30, CV_8UC3);
  const auto error = script.error_of(frame_of(next, 1));
  EXPECT_NE(error.find("did not arrive"), std::string::npos) << error;
  std::ofstream(go) << "there may be descriptors again";
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int number = 2;
  for (; !script.error_of(frame_of(next, number)).empty() && std::chrono::steady_clock::now() < until; ++number)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  script.expect_delivered(frame_of(next, number + 1), next);
}

TEST(PythonFailures, AThreadThatStillEmitsReachesNoOtherFrame) {
  PythonScript script(
      script_of("import threading\n"
                "def emits():\n"
                "    try:\n"
                "        while True: out.emit(image.copy(), attributes={'n': number})\n"
                "    except RuntimeError: pass\n"
                "image, number = frame.image, frame.number\n"
                "threading.Thread(target=emits).start()\n"
                "time.sleep(0.002)"));
  for (int i = 0; i < 100; ++i) {
    const cv::Mat in(20, 30, CV_8UC1, cv::Scalar(i));
    KeepingEmitter out;
    const auto done = script.process(frame_of(in, i), out);
    ASSERT_TRUE(done.ok()) << done.error().message;
    for (const auto& frame : out.frames["out"]) {
      EXPECT_EQ(frame.attributes.at("n"), std::to_string(i));
      EXPECT_EQ(largest_difference(frame.image, in), 0) << i;
    }
  }
}

TEST(PythonFailures, LongTextsOfAnyLanguageAreCutAndNoBreach) {
  for (const char* lines : {"raise ValueError('\\u96e8' * 100000)", "raise ValueError('\\U0001F600' * 5000)"}) {
    PythonScript script(script_of(lines));
    const auto error = script.error_of(frame_of(noise(4, 4, CV_8UC1)));
    EXPECT_NE(error.find("ValueError: "), std::string::npos) << error;
    EXPECT_LT(error.size(), 3000U);
  }
}

TEST(PythonFailures, AForkThatComesBackIsNotTakenForTheProcess) {
  PythonScript script(script_of("os.fork()\nout.emit(frame)"));
  const cv::Mat in = noise(20, 30, CV_8UC3);
  for (int i = 0; i < 5; ++i) script.expect_delivered(frame_of(in, i), in);
}

}  // namespace
}  // namespace ride::tasks
