// Child: one Python process beside the worker, a socket with messages to it, and what it prints. Owner: the object; its
// destructor kills the child with all that it has started, and reaps it. Threads: the one that made it, which must live
// as long (the child dies with it). Failure: as spawn() says; a child that ends is no failure but what wait() saw.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "process/descriptor.h"
#include "worker/python/output_lines.h"

namespace ride::python {

struct ChildPlan {
  std::filesystem::path interpreter;
  int threads = 1;       // of the libraries that it uses
  std::string log_name;  // in front of each line that it prints
};

class Child {
 public:
  static Result<std::unique_ptr<Child>> start(const ChildPlan& plan);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Does not wait: a child that does not read is as good as ended. resource_exhausted: the message is too long.
  // unavailable: it has ended, or does not read.
  Result<void> send(std::string_view message, int descriptor = -1);

  enum class Seen { nothing, message, ended };
  // Until there is a message (message()), or it has ended, or the time is over. What it prints is logged meanwhile.
  Seen wait(std::chrono::milliseconds time);
  std::string_view message() const { return {message_.data(), message_bytes_}; }  // until the next wait()
  bool has_ended();

  struct End {
    int status = 0;          // of waitpid()
    bool by_itself = false;  // not because of us
  };
  // Kills it, if it runs, and what it has started; reaps it.
  End end();
  bool ran_out_of_memory() const;  // the system has killed somebody for want of memory since it was last told something

 private:
  Child() = default;
  void log_output();
  void await_own_end() const;
  void kill_leftovers() const;

  pid_t pid_ = -1;
  std::optional<End> end_;
  std::string token_;  // in its environment, and so in that of all that it starts
  std::string log_name_;
  std::string message_;  // whole, so that nobody clears it for each message
  std::size_t message_bytes_ = 0;
  process::Descriptor process_, socket_, output_;
  OutputLines lines_;
  std::optional<std::int64_t> memory_kills_;
  std::chrono::steady_clock::time_point counted_{};
};

}  // namespace ride::python
