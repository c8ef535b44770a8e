#include "process/interrupt.h"

#include <ctime>

namespace ride::process {
namespace {

constexpr long kLookNs = 50'000'000;  // how soon the watcher sees that it is no longer needed

}  // namespace

Interrupt::Interrupt(std::initializer_list<int> signals) {
  sigemptyset(&signals_);
  for (const int signal : signals) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  watcher_ = std::jthread([this](std::stop_token ended) { watch(ended); });
}

Interrupt::~Interrupt() {
  watcher_.request_stop();
  watcher_.join();
}

void Interrupt::watch(std::stop_token ended) {
  const timespec look{0, kLookNs};
  while (!ended.stop_requested()) {
    const int signal = sigtimedwait(&signals_, nullptr, &look);
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

int Interrupt::signal() const {
  const std::lock_guard lock(mutex_);
  return signal_;
}

}  // namespace ride::process
