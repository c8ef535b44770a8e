#include "cli/interrupt.h"

#include <signal.h>
#include <time.h>

namespace ride::cli {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

constexpr long kLookNs = 50'000'000;  // how soon the watcher sees that it is no longer needed

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  watcher_ = std::jthread([this](std::stop_token ended) { watch(ended); });
}

Interrupt::~Interrupt() {
  watcher_.request_stop();
  watcher_.join();
}

void Interrupt::watch(std::stop_token ended) {
  const sigset_t set = ending_signals();
  const timespec look{0, kLookNs};
  while (!ended.stop_requested()) {
    const int signal = sigtimedwait(&set, nullptr, &look);
    if (signal <= 0) continue;
    {
      const std::lock_guard lock(mutex_);
      if (signal_ == 0) signal_ = signal;
    }
    if (!first_.stop_requested()) {
      first_.request_stop();
    } else {
      second_.request_stop();
    }
    changed_.notify_all();
  }
}

bool Interrupt::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return signal_ != 0; });
  return signal_ != 0;
}

ExitCode Interrupt::exit_code() const {
  const std::lock_guard lock(mutex_);
  return signal_ == SIGINT || signal_ == 0 ? ExitCode::interrupted : ExitCode::terminated;
}

}  // namespace ride::cli
