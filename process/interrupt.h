// Ctrl-C and SIGTERM as something to ask for, instead of a sudden end. Make one before any other thread is started: it
// blocks the signals for all of them, and ignores SIGPIPE. Owner: the program. Threads: all members but the constructor
// may be used from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <initializer_list>
#include <mutex>
#include <stop_token>
#include <thread>

namespace ride::process {

class Interrupt {
 public:
  explicit Interrupt(std::initializer_list<int> signals = {SIGINT, SIGTERM, SIGHUP});
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return first_.get_token(); }   // requested by the first signal
  std::stop_token hurry() const { return second_.get_token(); }  // by the second one: no more patience
  bool requested() const { return first_.stop_requested(); }
  // Sleeps up to `time`; true when a signal came (or had come before).
  bool wait(std::chrono::milliseconds time);
  int signal() const;  // the first that came; 0: none

 private:
  void watch(std::stop_token ended);

  sigset_t signals_;
  std::stop_source first_, second_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  int signal_ = 0;
  std::jthread watcher_;
};

}  // namespace ride::process
