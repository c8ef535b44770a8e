// What nobody caught: one line for people, never "terminate called".
#include "common/run_main.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <new>
#include <system_error>
#include <thread>

namespace ride {
namespace {

using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNoThread = "^ride-test: cannot start a thread \\(.*\\): raise the limit of processes[^\n]*\n$";

[[noreturn]] void end_with(const std::function<int()>& body) { std::_Exit(run_main("ride-test", body)); }
[[noreturn]] void lack_a_thread() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
}

TEST(RunMain, GivesBackWhatTheProgramSays) {
  EXPECT_EXIT(end_with([] { return 7; }), ExitedWithCode(7), "^$");
}

TEST(RunMain, TellsWhatIsLackingInOneLine) {
  EXPECT_EXIT(end_with([]() -> int { throw std::bad_alloc(); }), ExitedWithCode(1),
              "^ride-test: out of memory: [^\n]*ulimit -v[^\n]*\n$");
  EXPECT_EXIT(end_with([]() -> int { lack_a_thread(); }), ExitedWithCode(1), kNoThread);
}

TEST(RunMain, TellsWhatLeavesAnotherThread) {
  EXPECT_EXIT(end_with([] {
                std::thread([] { lack_a_thread(); }).join();
                return 0;
              }),
              ExitedWithCode(1), kNoThread);
  EXPECT_EXIT(end_with([] {
                std::thread([] { throw std::bad_alloc(); }).join();
                return 0;
              }),
              ExitedWithCode(1), "^ride-test: out of memory: [^\n]*\n$");
}

TEST(RunMain, ABugInAThreadIsToldAndAborts) {
  EXPECT_EXIT(end_with([] {
                std::thread([] { throw std::runtime_error("rtsp://user:secret@host"); }).join();
                return 0;
              }),
              ::testing::KilledBySignal(SIGABRT),
              "^ride-test: an error that nobody expected, please report it: rtsp://\\*\\*\\*@host\n$");
}

TEST(RunMain, HidesCredentials) {
  EXPECT_THAT(words_of(std::make_exception_ptr(std::runtime_error("rtsp://user:secret@host"))),
              Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace ride
