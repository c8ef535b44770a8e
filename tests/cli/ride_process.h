// Runs `ride` as a person would: arguments in, exit code and output out; ended, with all that it started, when the test
// does not wait for it. Owner: the object. Threads: one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ride::test {

struct RideOptions {
  std::filesystem::path folder;                    // working folder
  std::map<std::string, std::string> environment;  // beside a clean one
};

struct RideResult {
  int code = -1;  // 128 + signal where one ended it
  std::string out, err;
};

class RideProcess {
 public:
  // `with_program`: the program's path is put before the arguments, else it is the first of them.
  RideProcess(const std::vector<std::string>& arguments, const RideOptions& options, bool with_program = true);
  ~RideProcess();  // SIGKILL, if it still runs
  RideProcess(const RideProcess&) = delete;
  RideProcess& operator=(const RideProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);
  std::string out() const;  // so far
  std::string err() const;
  // False: it ended, or the time is over, before the text was there.
  bool wait_for_output(const std::string& text, std::chrono::seconds limit);
  // Fails the test when it takes longer, and ends it.
  RideResult wait(std::chrono::seconds limit);
  bool ended();

 private:
  pid_t pid_ = 0;
  int status_ = 0;
  bool reaped_ = false;
  std::filesystem::path out_, err_;
};

// To the end.
RideResult run_ride(const std::vector<std::string>& arguments, const RideOptions& options,
                    std::chrono::seconds limit = std::chrono::seconds(120));

// Processes whose command line or environment holds `text`, zombies not counted: what a run may have left behind.
std::vector<pid_t> processes_with(const std::string& text);
bool none_left_within(const std::string& text, std::chrono::seconds limit);

}  // namespace ride::test
