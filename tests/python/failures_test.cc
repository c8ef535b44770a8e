// Python that fails, crashes, hangs, grows or makes noise on a frame: what becomes of the frame, and that the next one
// is delivered.
#include <gtest/gtest.h>

#include <csignal>
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
        {{"timeout", 0.7}});
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
  PythonScript script(script_of("time.sleep(0.5)\nout.emit(frame)"));
  KeepingEmitter out;
  ASSERT_TRUE(script.process(frame_of(noise(2, 2, CV_8UC1)), out).ok());
  EXPECT_GE(out.progress_calls, 4);
}

TEST(PythonFailures, AForkThatComesBackIsNotTakenForTheProcess) {
  PythonScript script(script_of("os.fork()\nout.emit(frame)"));
  const cv::Mat in = noise(20, 30, CV_8UC3);
  for (int i = 0; i < 5; ++i) script.expect_delivered(frame_of(in, i), in);
}

}  // namespace
}  // namespace ride::tasks
