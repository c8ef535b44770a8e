#include "tests/cli/ride_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace ride::test {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kLook{20};

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

RideProcess::RideProcess(const std::vector<std::string>& arguments, const RideOptions& options, bool with_program) {
  static std::atomic<int> counter{0};
  const int number = ++counter;
  out_ = options.folder / (".out-" + std::to_string(number));
  err_ = options.folder / (".err-" + std::to_string(number));
  std::vector<std::string> words;
  if (with_program) words.push_back(RIDE_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  // What the developer has set must not change the result.
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry, name = variable.substr(0, variable.find('='));
    if ((name.starts_with("RIDE_") && name != "RIDE_KAFKA_LIBS") || options.environment.contains(name)) continue;
    variables.push_back(variable);
  }
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& variable : variables) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const int out = open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int err = open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that is ended from outside leaves nothing behind
    setpgid(0, 0);
    if (chdir(options.folder.c_str()) != 0) _exit(126);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  for (const int descriptor : {out, err, null}) close(descriptor);
}

RideProcess::~RideProcess() {
  if (!ended()) {
    kill(pid_, SIGKILL);  // all that it started dies with it
    waitpid(pid_, nullptr, 0);
  }
}

bool RideProcess::ended() {
  if (!reaped_ && waitpid(pid_, &status_, WNOHANG) == pid_) reaped_ = true;
  return reaped_;
}

void RideProcess::signal(int number) {
  if (!ended()) kill(pid_, number);
}

std::string RideProcess::out() const { return read_text(out_); }
std::string RideProcess::err() const { return read_text(err_); }

bool RideProcess::wait_for_output(const std::string& text, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    const bool over = ended();
    if (out().find(text) != std::string::npos || err().find(text) != std::string::npos) return true;
    if (over) return false;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

RideResult RideProcess::wait(std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!ended()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "ride did not end within " << limit.count() << " s; so far:\n" << out() << err();
      kill(pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
      reaped_ = true;
      break;
    }
    std::this_thread::sleep_for(kLook);
  }
  return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), out(), err()};
}

RideResult run_ride(const std::vector<std::string>& arguments, const RideOptions& options, std::chrono::seconds limit) {
  RideProcess process(arguments, options);
  return process.wait(limit);
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/proc", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos || std::stol(name) == getpid()) continue;
    const std::string line = read_text(entry.path() / "cmdline") + '\0' + read_text(entry.path() / "environ");
    if (line.find(text) != std::string::npos) found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

bool none_left_within(const std::string& text, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!processes_with(text).empty()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

}  // namespace ride::test
