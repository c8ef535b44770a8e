// No process and no descriptor stays behind, whatever a script has started.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "tests/python/python_script.h"

namespace ride::tasks {
namespace {

const char* const kStarts[] = {
    "subprocess.Popen(['sleep', '1000'])",
    "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "subprocess.Popen('sleep 1000 & sleep 1001 &', shell=True, start_new_session=True).wait()",
    "if os.fork() == 0: time.sleep(1000)",
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)",
    "self.views = getattr(self, 'views', []) + [frame.image, out.allocate((99, 99))]"};
const char* const kEnds[] = {"pass", "os._exit(1)", "ctypes.string_at(0)", "time.sleep(1000)", "raise ValueError()"};

std::string indented(const std::string& lines) {
  std::string text = "    ";
  for (const char c : lines) text += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return text + "\n";
}

class PythonLeftovers : public testing::TestWithParam<std::size_t> {};

TEST_P(PythonLeftovers, NothingStaysBehindHoweverItEnds) {
  { PythonScript(script_of("pass")).task(); }  // what is opened once for the whole program
  const auto descriptors = open_descriptors();
  const char* const start = kStarts[GetParam()];
  for (std::size_t i = 0; i < 2; ++i) {
    const char* const end = kEnds[(2 * GetParam() + i) % std::size(kEnds)];
    PythonScript script(script_of("if frame.number == 1:\n" + indented(start) + indented(end) + "out.emit(frame)"),
                        {{"timeout", std::string(end).starts_with("time.sleep") ? 3.0 : 60.0}});
    const cv::Mat in = noise(20, 30, CV_8UC3);
    EXPECT_EQ(script.error_of(frame_of(in, 0)), "");
    const std::string error = script.error_of(frame_of(in, 1));
    EXPECT_EQ(error.empty(), std::string(end) == "pass") << start << " and " << end << ": " << error;
    EXPECT_EQ(error.find("ValueError") != std::string::npos, std::string(end) == "raise ValueError()") << error;
    EXPECT_EQ(script.error_of(frame_of(in, 2)), "");
    script.close();
    EXPECT_EQ(python_processes(), std::vector<int>()) << start << " and " << end;
    EXPECT_EQ(open_descriptors(), descriptors) << start << " and " << end;
  }
}

INSTANTIATE_TEST_SUITE_P(All, PythonLeftovers, testing::Range(std::size_t{0}, std::size(kStarts)));

}  // namespace
}  // namespace ride::tasks
